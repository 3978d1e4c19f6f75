// The Internet checksum (RFC 1071) over bytes that lie in pieces of any length, and its incremental
// update (RFC 1624). Sums are kept as the machine loads them; the byte order is put right once, at the
// end, because a one's-complement sum does not care (RFC 1071 section 2B).
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/ip_address.h"

namespace sluice::wire {

// A one's-complement sum of 16- or 32-bit words as 16 bits (RFC 1071 section 2).
constexpr std::uint16_t fold(std::uint64_t sum) {
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(sum);
}

// A running one's-complement sum.
class ChecksumSum {
 public:
  // The next bytes, in order. Pieces may have odd lengths.
  void add(Bytes piece);
  // A 16-bit value in host order, as if its two bytes stood at an even place.
  void add_value(std::uint16_t value) { add_words(__builtin_bswap16(value)); }
  // The same of 32 and 64 bits, whose bytes stand as on the wire.
  void add_value32(std::uint32_t value) { add_words(__builtin_bswap32(value)); }
  void add_value64(std::uint64_t value) { add_words(__builtin_bswap64(value)); }

  // The sum as a 16-bit value in host order, not complemented.
  [[nodiscard]] std::uint16_t folded() const;
  // What belongs into a checksum field. Over bytes that include a right checksum it is 0.
  [[nodiscard]] std::uint16_t checksum() const { return static_cast<std::uint16_t>(~folded()); }

 private:
  void add_words(std::uint64_t words) {
    sum_ += words;
    if (sum_ < words) ++sum_;  // end-around carry
  }

  std::uint64_t sum_ = 0;
  bool odd_ = false;  // an odd number of bytes came before
};

// The pseudo header of RFC 9293 section 3.1 and RFC 8200 section 8.1, by the family of the addresses: l4_bytes is
// header and payload.
ChecksumSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                              std::uint16_t l4_bytes);

// Of a whole IPv4 header, which is a number of 32-bit words: 0 when its checksum is right; the field's value when the
// field is 0.
std::uint16_t ipv4_header_checksum(Bytes header);

// The checksum after a 16- or 32-bit field at an even place changed (RFC 1624 equation 3). Host order.
std::uint16_t updated_checksum16(std::uint16_t checksum, std::uint16_t before, std::uint16_t after);
std::uint16_t updated_checksum32(std::uint16_t checksum, std::uint32_t before, std::uint32_t after);

}  // namespace sluice::wire
