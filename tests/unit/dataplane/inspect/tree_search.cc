// See tree_search.h.
#include "tests/unit/dataplane/inspect/tree_search.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "rules/expression.h"
#include "tests/unit/dataplane/inspect/oracle_conditions.h"

namespace sluice::inspect {
namespace {

using rules::Expression;
using Places = std::vector<std::size_t>;  // ascending, each once

bool is_word(char c) {
  return rules::word_bytes()[static_cast<std::uint8_t>(c)];
}

class Tree {
 public:
  explicit Tree(std::string_view text) : text_(text) {}

  // The ends of what matches `expression` from `start` on.
  [[nodiscard]] Places ends(const Expression& expression, std::size_t start) {
    start_ = start;
    return after(expression, {start});
  }

 private:
  // Where what matches `e` ends that begins at one of `from`.
  [[nodiscard]] Places after(const Expression& e, const Places& from) const {
    Places out;
    switch (e.kind) {
      case Expression::Kind::bytes:
        for (const std::size_t at : from)
          if (holds(e, at)) out.push_back(at + 1);
        return out;
      case Expression::Kind::sequence:
        out = from;
        for (const Expression& part : e.parts) out = after(part, out);
        return out;
      case Expression::Kind::choice:
        for (const Expression& part : e.parts) add(after(part, from), out);
        return out;
      case Expression::Kind::repeat:
        return repeated(e, from);
      case Expression::Kind::boundary:
      case Expression::Kind::no_boundary:
        std::ranges::copy_if(from, std::back_inserter(out),
                             [&](std::size_t at) { return is_boundary(at) == (e.kind == Expression::Kind::boundary); });
        return out;
      case Expression::Kind::end:
        if (!from.empty() && from.back() == text_.size()) out = {text_.size()};
        return out;
    }
    return out;
  }

  [[nodiscard]] Places repeated(const Expression& e, const Places& from) const {
    const Expression& body = e.parts.front();
    Places out;
    if (body.kind == Expression::Kind::bytes && from.size() == 1) {
      std::size_t count = 0;
      for (; count < e.max && holds(body, from.front() + count); ++count)
        if (count >= e.min) out.push_back(from.front() + count);
      if (count >= e.min) out.push_back(from.front() + count);
      return out;
    }
    Places here = from;
    for (std::uint32_t count = 0; !here.empty(); here = after(body, here), ++count) {
      if (count >= e.min) add(here, out);
      if (count == e.max) break;
    }
    return out;
  }

  static void add(const Places& more, Places& to) {
    Places both;
    std::ranges::set_union(more, to, std::back_inserter(both));
    to = std::move(both);
  }
  [[nodiscard]] bool holds(const Expression& e, std::size_t at) const {
    return at < text_.size() && e.set[static_cast<std::uint8_t>(text_[at])];
  }
  // Where a match begins, the letter of an escape such as \n is no word.
  [[nodiscard]] bool is_boundary(std::size_t at) const {
    bool before = at > 0 && is_word(text_[at - 1]);
    if (at == start_ && at >= 2 && text_[at - 2] == '\\' && std::string_view("nrtbf").contains(text_[at - 1]))
      before = false;
    return before != (at < text_.size() && is_word(text_[at]));
  }

  std::string_view text_;
  std::size_t start_ = 0;
};

}  // namespace

std::vector<Match> tree_matches(const TestRule& rule, std::string_view text) {
  const auto expression = *rules::parse_expression(rule.expression, rule.caseless);
  Tree tree(text);
  std::vector<Match> out;
  for (std::size_t start = 0; start < text.size();) {
    Places ends = tree.ends(expression, start);
    while (!ends.empty() && !oracle_validates(rule.validator, text.substr(start, ends.back() - start))) ends.pop_back();
    if (!ends.empty()) out.push_back({100, start, ends.back()});
    start = ends.empty() ? start + 1 : ends.back();
  }
  return out;
}

}  // namespace sluice::inspect
