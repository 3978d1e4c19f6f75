// See recorded_items.h.
#include "control/replay/recorded_items.h"

#include <algorithm>

namespace sluice::control {
namespace {

bool has_bytes(Item item) {
  return item == Item::value || item == Item::decoded;
}

bool is_one_value(Item item) {
  return has_bytes(item) || item == Item::null;
}

}  // namespace

std::optional<RecordedItem> RecordedItems::read() {
  for (std::size_t i = left_.find('\n'); i != std::string_view::npos; i = left_.find('\n', i + 1)) {
    const auto mark = read_mark(left_.substr(i));
    if (!mark) continue;
    RecordedItem item{.item = mark->item, .length = mark->length, .bytes = {}};
    if (mark->item == Item::text) item.bytes = left_.substr(0, i);
    left_.remove_prefix(i + mark->bytes);
    if (!has_bytes(mark->item)) return item;
    if (mark->length > left_.size()) break;
    item.bytes = left_.substr(0, mark->length);
    left_.remove_prefix(mark->length);
    return item;
  }
  left_ = {};
  return std::nullopt;
}

const RecordedItem* RecordedItems::at(std::size_t ahead) {
  while (ahead_.size() <= ahead) {
    const auto item = read();
    if (!item) return nullptr;
    ahead_.push_back(*item);
  }
  return &ahead_[ahead];
}

void RecordedItems::pass(std::size_t count) {
  for (; count > 0 && at() != nullptr; --count) ahead_.pop_front();
}

std::optional<RecordedValue> RecordedItems::take_value() {
  const RecordedItem* const next = at();
  if (next == nullptr || (!is_one_value(next->item) && next->item != Item::list)) return std::nullopt;
  RecordedValue value{.item = next->item, .bytes = next->bytes, .elements = {}};
  const std::uint32_t elements = next->item == Item::list ? next->length : 0;
  pass();
  for (std::uint32_t i = 0; i < elements && at() != nullptr && is_one_value(at()->item); ++i) {
    value.elements.push_back(*at());
    pass();
  }
  return value;
}

}  // namespace sluice::control
