// A recorded body that is many values (docs/formats/segment.md), read item by item: what it says is not trusted, and
// what it cuts is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "segment/item_mark.h"

namespace sluice::control {

// The mark behind a text.
inline constexpr std::string_view kTextEnd{"\n\x03\0", 3};

struct RecordedItem {
  Item item = Item::text;
  std::uint32_t length = 0;  // as its mark says: of a row, its values; of what was left out, the rows
  std::string_view bytes;    // of a value or a text
};

// A value of a row, or one that was bound.
struct RecordedValue {
  Item item = Item::null;              // null, value, decoded, or list
  std::string_view bytes;              // of a value or a decoded one
  std::vector<RecordedItem> elements;  // of a list: null, value or decoded
};

class RecordedItems {
 public:
  // `body` outlives it.
  explicit RecordedItems(std::string_view body) : left_(body) {}

  // So many items ahead of the next one; nothing behind the last.
  [[nodiscard]] const RecordedItem* at(std::size_t ahead = 0);
  [[nodiscard]] bool is(Item item, std::size_t ahead = 0) {
    const RecordedItem* const found = at(ahead);
    return found != nullptr && found->item == item;
  }
  void pass(std::size_t count = 1);
  // The value that comes next, which is passed; nothing where none comes.
  std::optional<RecordedValue> take_value();

 private:
  std::optional<RecordedItem> read();

  std::string_view left_;
  std::deque<RecordedItem> ahead_;
};

}  // namespace sluice::control
