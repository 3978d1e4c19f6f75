// Whether a rule may have an expression: it must be of the language, its automaton must fit, and Hyperscan must be able
// to compile it. What passes here the data plane takes too; everything else is refused in words.
#pragma once

#include <expected>
#include <string_view>

#include "rules/expression.h"

namespace sluice::rules {

std::expected<Widths, ExpressionProblem> check_expression(std::string_view expression, bool caseless);

}  // namespace sluice::rules
