// A capturing group that stands at the top level of an expression, and so cuts it in three. Which bytes of a match are
// the group's is told by running the three by themselves, and what begins with the group from the other end.
#pragma once

#include <cstdint>
#include <expected>

#include "rules/expression.h"

namespace sluice::rules {

struct GroupParts {
  Expression before;
  Expression group;  // never empty
  Expression after;
};

std::expected<GroupParts, ExpressionProblem> split_at_group(const Expression& expression, std::uint32_t number);

// Matches the same bytes in the opposite order.
Expression reversed(Expression expression);

// One after the other.
Expression sequence_of(Expression first, Expression second);

}  // namespace sluice::rules
