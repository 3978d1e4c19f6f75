// See values_text.h.
#include "segment/values_text.h"

#include <algorithm>
#include <utility>

#include "segment/item_mark.h"

namespace sluice {

std::string values_text(std::string_view body) {
  std::string out;
  bool is_first = true;         // of its line
  std::uint32_t list_left = 0;  // values that are one, and are still to come
  const auto end_one = [&] {
    if (list_left > 0) out += --list_left > 0 ? "," : "}";
  };
  while (!body.empty()) {
    const auto mark = read_mark(body);
    if (!mark) {  // text goes on
      out += body.front();
      body.remove_prefix(1);
      continue;
    }
    body.remove_prefix(mark->bytes);
    if (mark->item == Item::row || mark->item == Item::text || mark->item == Item::left_out) {
      if (mark->item == Item::left_out) out += "… " + std::to_string(mark->length) + " more rows";
      out += '\n';
      is_first = true;
      list_left = 0;
      continue;
    }
    if (list_left == 0 && !std::exchange(is_first, false)) out += " | ";
    if (mark->item == Item::list) {
      list_left = mark->length;
      out += list_left > 0 ? "{" : "{}";
      continue;
    }
    const std::size_t bytes = mark->item == Item::null ? 0 : std::min<std::size_t>(body.size(), mark->length);
    out += mark->item == Item::null ? "NULL" : body.substr(0, bytes);
    body.remove_prefix(bytes);
    end_one();
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace sluice
