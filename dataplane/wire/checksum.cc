// The summing loops. 64-bit loads into 128-bit accumulators: carries cost nothing and nothing overflows.
#include "dataplane/wire/checksum.h"

namespace sluice::wire {
namespace {

__extension__ using Wide = unsigned __int128;

template <class T>
T load(const std::uint8_t* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// The sum of little-endian words, the last byte padded with zero.
std::uint64_t sum_bytes(const std::uint8_t* p, std::size_t n) {
  Wide a = 0;
  Wide b = 0;
  for (; n >= 32; p += 32, n -= 32) {
    a += load<std::uint64_t>(p);
    b += load<std::uint64_t>(p + 8);
    a += load<std::uint64_t>(p + 16);
    b += load<std::uint64_t>(p + 24);
  }
  for (; n >= 8; p += 8, n -= 8) a += load<std::uint64_t>(p);
  // The last seven at most; loads of fixed sizes, because a memcpy of n bytes is a call.
  if ((n & 4) != 0) a += load<std::uint32_t>(p), p += 4;
  if ((n & 2) != 0) a += load<std::uint16_t>(p), p += 2;
  if ((n & 1) != 0) a += *p;
  a += b;
  const auto high = static_cast<std::uint64_t>(a >> 64);
  const auto low = static_cast<std::uint64_t>(a);
  const std::uint64_t sum = low + high;
  return sum + (sum < high ? 1 : 0);
}

}  // namespace

void ChecksumSum::add(Bytes piece) {
  if (piece.empty()) return;
  const std::uint64_t sum = sum_bytes(piece.data(), piece.size());
  // After an odd number of bytes every byte stands in the other half of its word.
  add_words(odd_ ? __builtin_bswap16(fold(sum)) : sum);
  odd_ ^= (piece.size() & 1) != 0;
}

std::uint16_t ChecksumSum::folded() const {
  return __builtin_bswap16(fold(sum_));
}

ChecksumSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                              std::uint16_t l4_bytes) {
  ChecksumSum sum;
  if (source.is_ipv4()) {
    sum.add_value32(source.ipv4());
    sum.add_value32(destination.ipv4());
  } else {
    for (const IpAddress* address : {&source, &destination}) {
      sum.add_value64(address->high);
      sum.add_value64(address->low);
    }
  }
  sum.add_value(protocol);
  sum.add_value(l4_bytes);
  return sum;
}

std::uint16_t ipv4_header_checksum(Bytes header) {
  // At most 15 words of 32 bits, so 64 bits never overflow. Nearly every header has five.
  const std::uint8_t* p = header.data();
  std::uint64_t sum = 0;
  if (header.size() == 20) {
    for (std::size_t i = 0; i < 20; i += 4) sum += load<std::uint32_t>(p + i);
  } else {
    for (std::size_t i = 0; i + 4 <= header.size(); i += 4) sum += load<std::uint32_t>(p + i);
  }
  return __builtin_bswap16(static_cast<std::uint16_t>(~fold(sum)));
}

std::uint16_t updated_checksum16(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t updated_checksum32(std::uint16_t checksum, std::uint32_t before, std::uint32_t after) {
  checksum =
      updated_checksum16(checksum, static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
  return updated_checksum16(checksum, static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
}

}  // namespace sluice::wire
