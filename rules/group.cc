// See group.h.
#include "rules/group.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/bounds.h"

namespace sluice::rules {
namespace {

const Expression* find_group(const Expression& e, std::uint32_t number) {
  if (e.capture == number) return &e;
  for (const Expression& part : e.parts)
    if (const Expression* found = find_group(part, number)) return found;
  return nullptr;
}

// Goes down sequences to the group and gathers what stands on its sides; false when it stands in anything else.
bool cut(const Expression& e, std::uint32_t number, GroupParts& out) {
  if (e.capture == number) {
    out.group = e;
    return true;
  }
  if (e.kind != Expression::Kind::sequence) return false;
  const auto holds = [number](const Expression& part) { return find_group(part, number) != nullptr; };
  const auto at = std::ranges::find_if(e.parts, holds);
  out.before.parts.insert(out.before.parts.end(), e.parts.begin(), at);
  if (!cut(*at, number, out)) return false;
  out.after.parts.insert(out.after.parts.end(), at + 1, e.parts.end());
  return true;
}

}  // namespace

std::expected<GroupParts, ExpressionProblem> split_at_group(const Expression& expression, std::uint32_t number) {
  const auto problem = [](std::size_t character, std::string text, std::string suggestion) {
    return std::unexpected(ExpressionProblem{character, std::move(text), std::move(suggestion)});
  };
  const Expression* group = find_group(expression, number);
  if (group == nullptr)
    return problem(0, fmt::format("it has no group {}", number), "put (...) around what the rule is about");
  GroupParts parts;
  if (!cut(expression, number, parts))
    return problem(group->at + 1, fmt::format("group {} stands in an alternative or a repetition", number),
                   "let it stand by itself between what comes before and behind: a(b|c)d");
  if (widths_of(parts.group).min == 0)
    return problem(group->at + 1, fmt::format("group {} may be empty", number), "make something in it obligatory");
  const Widths inside = widths_of(parts.group);
  const std::uint64_t work = std::uint64_t{inside.max - inside.min + 1} * widths_of(parts.after).max;
  if (work > kMaxGroupWork)
    return problem(group->at + 1,
                   fmt::format("group {} may end at {} places and up to {} bytes may follow each", number,
                               inside.max - inside.min + 1, widths_of(parts.after).max),
                   fmt::format("shorten one of them: their product may be {}", kMaxGroupWork));
  return parts;
}

bool tells_end(const Expression& expression) {
  return expression.kind == Expression::Kind::end || std::ranges::any_of(expression.parts, tells_end);
}

std::optional<Expression> without_end(const Expression& expression, bool at_end) {
  if (expression.kind == Expression::Kind::end) return at_end ? std::optional(Expression()) : std::nullopt;
  const bool is_choice = expression.kind == Expression::Kind::choice;
  Expression out = expression;
  out.parts.clear();
  for (const Expression& part : expression.parts) {
    auto rest = without_end(part, at_end);
    if (rest) {
      out.parts.push_back(*std::move(rest));
      continue;
    }
    if (expression.kind == Expression::Kind::repeat && expression.min == 0) return Expression();
    if (!is_choice) return std::nullopt;
  }
  if (is_choice && out.parts.empty()) return std::nullopt;
  return out;
}

Expression sequence_of(Expression first, Expression second) {
  Expression both{.kind = Expression::Kind::sequence};
  both.parts.push_back(std::move(first));
  both.parts.push_back(std::move(second));
  return both;
}

}  // namespace sluice::rules
