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

// What can go from the beginning of `e`, in the order of the text.
void relax_beginning(const Expression& e, std::vector<Edit>& edits) {
  switch (e.kind) {
    case Expression::Kind::boundary:
    case Expression::Kind::no_boundary:
      edits.push_back({e.at, e.length, ""});
      break;
    case Expression::Kind::sequence:
      for (const Expression& part : e.parts) {
        relax_beginning(part, edits);
        if (!part.looks_around()) break;
      }
      break;
    case Expression::Kind::choice:
      for (const Expression& part : e.parts) relax_beginning(part, edits);
      break;
    case Expression::Kind::repeat:
      // Of several copies only the first is the beginning, and their text is one.
      if (e.min == 1) relax_beginning(e.parts.front(), edits);
      if (e.min > 0 && e.max > e.min) edits.push_back({e.at, e.length, "{" + std::to_string(e.min) + "}"});
      break;
    case Expression::Kind::bytes:
      break;
  }
}

}  // namespace

std::string relaxed(std::string_view expression) {
  std::string text(expression);
  const auto tree = parse_expression(expression, false);
  if (!tree) return text;
  std::vector<Edit> edits;
  relax_beginning(*tree, edits);
  std::for_each(edits.rbegin(), edits.rend(), [&](const Edit& edit) { text.replace(edit.at, edit.length, edit.text); });
  return text;
}

}  // namespace sluice::rules
