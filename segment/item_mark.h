// How a recorded body that is many values says which: a value follows its mark, a text and a row end with theirs. A
// mark is a line end, what it is about, and a length, in bytes that no mask of a rule covers (docs/formats/segment.md).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

enum class Item : std::uint8_t {
  row = 0,       // ends; its length is how many values it has
  value = 1,     // so many bytes follow
  null = 2,      // which is another thing than a value of no bytes
  text = 3,      // ends, which began behind the mark before; its length is 0
  list = 4,      // so many values follow that are one: an array
  decoded = 5,   // so many bytes follow: the text of a value that came in the binary format
  left_out = 6,  // so many rows came here, and policy keeps them off the record
};

inline constexpr std::uint8_t kLastItem = 6;

inline constexpr std::size_t kMostMarkBytes = 10;

// 0x0a, the item, then the length by four bits, the highest first, each but the last with 0x10.
constexpr std::size_t mark_bytes(std::uint32_t length) {
  return 3 + static_cast<std::size_t>(std::bit_width(length | 1) - 1) / 4;
}

inline std::size_t write_mark(Item item, std::uint32_t length, std::uint8_t* out) {
  out[0] = '\n';
  out[1] = static_cast<std::uint8_t>(item);
  if (length < 0x10) {  // as most are
    out[2] = static_cast<std::uint8_t>(length);
    return 3;
  }
  const std::size_t bytes = mark_bytes(length);
  for (std::size_t i = bytes; i-- > 2; length >>= 4)
    out[i] = static_cast<std::uint8_t>((length & 0xf) | (i + 1 == bytes ? 0 : 0x10));
  return bytes;
}

struct ItemMark {
  Item item = Item::text;
  std::uint32_t length = 0;
  std::size_t bytes = 0;  // of the mark
};

// The mark with which `text` begins; nothing where it begins with none, or with less than a whole one.
inline std::optional<ItemMark> read_mark(std::string_view text) {
  if (text.size() < 3 || text[0] != '\n' || static_cast<std::uint8_t>(text[1]) > kLastItem) return std::nullopt;
  ItemMark mark{.item = static_cast<Item>(text[1])};
  for (std::size_t at = 2; at < text.size() && at < kMostMarkBytes; ++at) {
    const auto digit = static_cast<std::uint8_t>(text[at]);
    if (digit > 0x1f) return std::nullopt;
    mark.length = mark.length << 4 | (digit & 0xf);
    mark.bytes = at + 1;
    if ((digit & 0x10) == 0) return mark;
  }
  return std::nullopt;
}

}  // namespace sluice
