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
std::vector<Edit> relax_beginning(const Expression& e) {
  std::vector<Edit> edits;
  const auto append = [&edits](std::vector<Edit> more) { edits.insert(edits.end(), more.begin(), more.end()); };
  if (e.kind == Expression::Kind::sequence) {
    const auto first = std::ranges::find_if_not(e.parts, &Expression::looks_around);
    if (first != e.parts.end()) append(relax_beginning(*first));
    // Before fewer copies \b would look at another place than before all of them.
    if (edits.empty()) return edits;
    std::vector<Edit> looks;
    for (auto part = e.parts.begin(); part != first; ++part) looks.push_back({part->at, part->length, ""});
    edits.insert(edits.begin(), looks.begin(), looks.end());
  } else if (e.kind == Expression::Kind::choice) {
    for (const Expression& part : e.parts) append(relax_beginning(part));
  } else if (e.kind == Expression::Kind::repeat) {
    // Of several copies only the first is the beginning, and their text is one.
    if (e.min == 1) append(relax_beginning(e.parts.front()));
    if (e.min > 0 && e.max > e.min) edits.push_back({e.at, e.length, "{" + std::to_string(e.min) + "}"});
  }
  return edits;
}

}  // namespace

std::string relaxed(std::string_view expression) {
  std::string text(expression);
  const auto tree = parse_expression(expression, false);
  if (!tree) return text;
  const std::vector<Edit> edits = relax_beginning(*tree);
  std::for_each(edits.rbegin(), edits.rend(), [&](const Edit& edit) { text.replace(edit.at, edit.length, edit.text); });
  return text;
}

}  // namespace sluice::rules
