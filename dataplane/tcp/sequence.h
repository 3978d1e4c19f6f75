// Arithmetic on sequence numbers, which wrap (RFC 9293 section 3.4). Two numbers compare rightly
// when they lie less than 2^31 apart, which every window guarantees.
#pragma once

#include <cstdint>

namespace sluice::tcp {

inline bool before(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) < 0;
}
inline bool after(std::uint32_t a, std::uint32_t b) {
  return before(b, a);
}
inline std::uint32_t later(std::uint32_t a, std::uint32_t b) {
  return before(a, b) ? b : a;
}
// Bytes from `from` up to `to`; 0 when `to` lies before.
inline std::uint32_t distance(std::uint32_t from, std::uint32_t to) {
  return before(from, to) ? to - from : 0;
}

}  // namespace sluice::tcp
