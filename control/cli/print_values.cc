// See print_values.h.
#include "control/cli/print_values.h"

#include <algorithm>
#include <utility>

#include "segment/item_mark.h"

namespace sluice::cli {

std::string values_text(std::string_view body) {
  std::string out;
  bool in_row = false;
  bool is_first = true;  // value of its row
  while (!body.empty()) {
    const auto mark = read_mark(body);
    if (!mark) {  // text goes on
      out += body.front();
      body.remove_prefix(1);
      continue;
    }
    body.remove_prefix(mark->bytes);
    const bool is_value = mark->item == Item::value || mark->item == Item::null;
    if (is_value && in_row && !std::exchange(is_first, false)) {
      out += " | ";
    } else if (!(is_value && in_row) && !out.empty()) {
      out += '\n';
    }
    if (!is_value) {
      in_row = mark->item == Item::row;
      is_first = true;
    }
    if (mark->item == Item::null) out += "NULL";
    if (mark->item != Item::value) continue;
    const std::size_t bytes = std::min<std::size_t>(body.size(), mark->length);
    out += body.substr(0, bytes);
    body.remove_prefix(bytes);
  }
  return out;
}

}  // namespace sluice::cli
