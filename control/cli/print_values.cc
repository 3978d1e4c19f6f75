// See print_values.h.
#include "control/cli/print_values.h"

#include <algorithm>
#include <utility>

#include "segment/item_mark.h"

namespace sluice::cli {

std::string values_text(std::string_view body) {
  std::string out;
  bool is_first = true;  // of its line
  while (!body.empty()) {
    const auto mark = read_mark(body);
    if (!mark) {  // text goes on
      out += body.front();
      body.remove_prefix(1);
      continue;
    }
    body.remove_prefix(mark->bytes);
    if (mark->item == Item::row || mark->item == Item::text) {
      out += '\n';
      is_first = true;
      continue;
    }
    if (!std::exchange(is_first, false)) out += " | ";
    if (mark->item == Item::null) out += "NULL";
    if (mark->item != Item::value) continue;
    const std::size_t bytes = std::min<std::size_t>(body.size(), mark->length);
    out += body.substr(0, bytes);
    body.remove_prefix(bytes);
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace sluice::cli
