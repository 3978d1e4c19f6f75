// See crc32c.h.
#include "segment/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace sluice::segment {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78U;  // reflected

constexpr auto kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    table[i] = crc;
  }
  return table;
}();

#if defined(__x86_64__)
// The instruction takes three cycles and can begin every cycle, so three stretches of a block are summed at a time.
// The sum of the first two is then carried over the stretch behind them.
constexpr std::size_t kStretchBytes = 1024;

// What a register becomes when kStretchBytes zero bytes follow, for each byte of it: the sum is linear.
constexpr auto kCarried = [] {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (unsigned bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = 1U << bit;
    for (std::size_t i = 0; i < kStretchBytes; ++i) crc = (crc >> 8) ^ kTable[crc & 0xff];
    for (unsigned value = 0; value < 256; ++value)
      if ((value >> (bit % 8) & 1U) != 0) table[bit / 8][value] ^= crc;
  }
  return table;
}();

std::uint64_t carry(std::uint64_t crc) {
  return kCarried[0][crc & 0xff] ^ kCarried[1][crc >> 8 & 0xff] ^ kCarried[2][crc >> 16 & 0xff] ^
         kCarried[3][crc >> 24 & 0xff];
}

std::uint64_t word_at(const std::uint8_t* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::uint32_t crc, Bytes data) {
  const std::uint8_t* p = data.data();
  std::size_t left = data.size();
  std::uint64_t state = ~crc;
  for (; left >= 3 * kStretchBytes; left -= 3 * kStretchBytes, p += 3 * kStretchBytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kStretchBytes; i += 8) {
      state = _mm_crc32_u64(state, word_at(p + i));
      second = _mm_crc32_u64(second, word_at(p + kStretchBytes + i));
      third = _mm_crc32_u64(third, word_at(p + 2 * kStretchBytes + i));
    }
    state = carry(carry(state & 0xffffffffU) ^ second) ^ third;
  }
  for (; left >= 8; left -= 8, p += 8) state = _mm_crc32_u64(state, word_at(p));
  auto last = static_cast<std::uint32_t>(state);
  for (; left > 0; --left, ++p) last = _mm_crc32_u8(last, *p);
  return ~last;
}
#endif

using Function = std::uint32_t (*)(std::uint32_t, Bytes);

Function choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42;
#endif
  return crc32c_portable;
}

const Function kChosen = choose();

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t crc, Bytes data) {
  crc = ~crc;
  for (const std::uint8_t byte : data) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(std::uint32_t crc, Bytes data) {
  return kChosen(crc, data);
}

}  // namespace sluice::segment
