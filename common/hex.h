// Hexadecimal digits.
#pragma once

#include <cstdint>

namespace sluice {

// The value of a hexadecimal digit, -1 for any other byte.
constexpr int hex_value(std::uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  const int lower = byte | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace sluice
