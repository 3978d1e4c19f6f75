// See condition.h.
#include "dataplane/sql/condition.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::sql {
namespace {

using Json = nlohmann::json;

bool names_column(const Json& node, std::uint32_t depth) {
  if (depth == 0) return true;
  if (node.is_object() && (node.contains("ColumnRef") || node.contains("CurrentOfExpr"))) return true;
  return node.is_structured() &&
         std::ranges::any_of(node, [&](const Json& child) { return names_column(child, depth - 1); });
}

// The fields of a column, or null.
const Json* column_of(const Json& expression, const char* side) {
  const auto node = expression.find(side);
  if (node == expression.end() || !node->contains("ColumnRef")) return nullptr;
  const Json& column = (*node)["ColumnRef"];
  const auto fields = column.find("fields");
  return fields == column.end() ? nullptr : &*fields;
}

bool compares_with_itself(const Json& expression) {
  const Json* const left = column_of(expression, "lexpr");
  const Json* const right = column_of(expression, "rexpr");
  return left != nullptr && right != nullptr && *left == *right;
}

bool depends(const Json& condition, bool negated, std::uint32_t depth) {
  if (depth == 0) return true;
  if (const auto boolean = condition.find("BoolExpr"); boolean != condition.end()) {
    const std::string kind = boolean->value("boolop", "");
    const auto arguments = boolean->find("args");
    if (arguments == boolean->end()) return false;
    const bool inner = kind == "NOT_EXPR" ? !negated : negated;
    const auto asks = [&](const Json& argument) { return depends(argument, inner, depth - 1); };
    // One arm of an OR that asks nothing is enough; of an AND all arms. NOT turns one into the other.
    if ((kind == "OR_EXPR") != negated) return std::ranges::all_of(*arguments, asks);
    return std::ranges::any_of(*arguments, asks);
  }
  if (const auto expression = condition.find("A_Expr");
      expression != condition.end() && compares_with_itself(*expression))
    return false;
  return names_column(condition, depth);
}

}  // namespace

bool depends_on_row(const Json& condition, std::uint32_t depth) {
  return depends(condition, false, depth);
}

}  // namespace sluice::sql
