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
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(std::uint32_t crc, Bytes data) {
  const std::uint8_t* p = data.data();
  std::size_t left = data.size();
  std::uint64_t state = ~crc;
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    state = _mm_crc32_u64(state, word);
  }
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
