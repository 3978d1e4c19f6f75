// Bodies as the record has them of PostgreSQL (docs/formats/segment.md), put together by hand.
#pragma once

#include <array>
#include <string>

#include "segment/item_mark.h"

namespace sluice::control::test {

inline std::string mark(Item item, std::uint32_t length) {
  std::array<std::uint8_t, kMostMarkBytes> bytes{};
  return {reinterpret_cast<const char*>(bytes.data()), write_mark(item, length, bytes.data())};
}
inline std::string text(const std::string& bytes) {
  return bytes + mark(Item::text, 0);
}
inline std::string value(const std::string& bytes) {
  return mark(Item::value, static_cast<std::uint32_t>(bytes.size())) + bytes;
}
inline std::string decoded(const std::string& bytes) {
  return mark(Item::decoded, static_cast<std::uint32_t>(bytes.size())) + bytes;
}
inline std::string row_end(std::uint32_t values) {
  return mark(Item::row, values);
}

}  // namespace sluice::control::test
