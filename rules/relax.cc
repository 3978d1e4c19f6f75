// See relax.h.
#include "rules/relax.h"

#include <algorithm>
#include <vector>

#include "rules/expression.h"

namespace sluice::rules {
namespace {

struct Edit {
  std::size_t at = 0;
  std::size_t length = 0;
  std::string text;
};

void add_looks(const Expression& e, std::vector<Edit>& edits) {
  if (e.looks_around()) edits.push_back({e.at, e.length, ""});
  for (const Expression& part : e.parts) add_looks(part, edits);
}

// Fewer copies of what a match begins with.
void add_shortened(const Expression& e, std::vector<Edit>& edits) {
  if (e.kind == Expression::Kind::sequence) {
    const auto first = std::ranges::find_if_not(e.parts, &Expression::looks_around);
    if (first != e.parts.end()) add_shortened(*first, edits);
  } else if (e.kind == Expression::Kind::choice) {
    for (const Expression& part : e.parts) add_shortened(part, edits);
  } else if (e.kind == Expression::Kind::repeat) {
    // Of several copies only the first is the beginning, and their text is one.
    if (e.min == 1) add_shortened(e.parts.front(), edits);
    if (e.min > 0 && e.max > e.min) edits.push_back({e.at, e.length, "{" + std::to_string(e.min) + "}"});
  }
}

}  // namespace

std::string relaxed(std::string_view expression) {
  std::string text(expression);
  const auto tree = parse_expression(expression, false);
  if (!tree) return text;
  std::vector<Edit> edits;
  add_looks(*tree, edits);
  add_shortened(*tree, edits);
  std::ranges::sort(edits, {}, &Edit::at);
  std::for_each(edits.rbegin(), edits.rend(), [&](const Edit& edit) { text.replace(edit.at, edit.length, edit.text); });
  return text;
}

}  // namespace sluice::rules
