// See census.h.
#include "workbench/census.h"

#include <algorithm>
#include <vector>

#include "rules/anchor.h"
#include "rules/automaton.h"
#include "rules/expression.h"
#include "rules/measured_anchor.h"

namespace sluice::workbench {
namespace {

class Counter {
 public:
  Counter(const rules::Automaton& automaton, Bytes text) : automaton_(automaton), text_(text), starts_(text.size()) {}

  void add_whole() { starts_.assign(text_.size(), true); }

  // What stands at these places, and how far behind a start of a match it may end.
  void add(const std::vector<rules::ByteSet>& places, std::uint32_t min_reach, std::uint32_t max_reach) {
    for (std::size_t at = 0; at + places.size() <= text_.size(); ++at) {
      std::size_t same = 0;
      while (same < places.size() && places[same][text_[at + same]]) ++same;
      if (same < places.size()) continue;
      ++census_.anchors;
      add_starts(at + same, min_reach, max_reach);
    }
  }

  Census count() {
    for (std::size_t at = 0; at < text_.size(); ++at) {
      if (!starts_[at] || !automaton_.may_begin(text_[at], rules::is_after_word(text_, at))) continue;
      ++census_.starts;
      census_.steps += automaton_.bytes_read(text_, at);
    }
    return census_;
  }

 private:
  // As the scanner goes back from an anchor: as far as a match may hold every byte.
  void add_starts(std::size_t end, std::uint32_t min_reach, std::uint32_t max_reach) {
    if (end < min_reach) return;
    const std::size_t last = end - min_reach;
    std::size_t first = end;
    while (first > end - std::min<std::size_t>(end, max_reach) && automaton_.may_contain(text_[first - 1])) --first;
    for (std::size_t at = first; at <= last; ++at) starts_[at] = true;
  }

  const rules::Automaton& automaton_;
  Bytes text_;
  std::vector<bool> starts_;
  Census census_;
};

}  // namespace

Census take_census(const rules::Rule& rule, Bytes text) {
  const auto tree = rules::parse_expression(rule.expression, rule.caseless);
  if (!tree) return {};
  const auto automaton = rules::Automaton::build(*tree);
  if (!automaton) return {};
  const rules::Anchor anchor = rules::measured_anchor(*tree, *automaton);
  Counter counter(*automaton, text);
  if (anchor.kind == rules::AnchorKind::pattern) counter.add_whole();
  std::vector<std::vector<rules::ByteSet>> shapes;
  if (anchor.kind == rules::AnchorKind::shape) shapes.push_back(rules::shape_of(*automaton));
  if (anchor.kind == rules::AnchorKind::shapes) shapes = rules::shapes_of(*automaton);
  for (const std::vector<rules::ByteSet>& places : shapes) {
    const auto width = static_cast<std::uint32_t>(places.size());
    counter.add(places, width, width);
  }
  for (const rules::Literal& literal : anchor.literals)
    counter.add(rules::places_of(literal), literal.min_reach, literal.max_reach);
  return counter.count();
}

}  // namespace sluice::workbench
