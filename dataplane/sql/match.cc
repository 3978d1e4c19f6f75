// See match.h.
#include "dataplane/sql/match.h"

#include <algorithm>

namespace sluice::sql {
namespace {

using rules::SqlCondition;
using rules::SqlName;

bool is_of(const SqlName& wanted, std::string_view qualifier, std::string_view name) {
  const bool qualified = !wanted.qualifier.empty() && !qualifier.empty();
  return is_like(wanted.name, name) && (!qualified || is_like(wanted.qualifier, qualifier));
}

// A column's qualifier is an alias as often as a table: it tells nothing.
bool is_wanted(const std::vector<SqlName>& wanted, const Facts& facts, const Use& use) {
  const std::string_view name = facts.name(use);
  if (use.role == Role::column && name == "*") return true;
  const std::string_view qualifier = use.role == Role::column ? std::string_view{} : facts.qualifier(use);
  return std::ranges::any_of(wanted, [&](const SqlName& one) { return is_of(one, qualifier, name); });
}

template <class IsRole>
bool names_one(const std::vector<SqlName>& wanted, const Facts& facts, std::size_t statement, const IsRole& is_role) {
  if (wanted.empty()) return true;
  return std::ranges::any_of(facts.uses(), [&](const Use& use) {
    return use.statement == statement && is_role(use.role) && is_wanted(wanted, facts, use);
  });
}

bool holds(const SqlCondition& condition, const Facts& facts, std::size_t number) {
  const Statement& statement = facts.statements()[number];
  if (statement.only_explained) return false;
  if (!condition.kinds.empty() && std::ranges::find(condition.kinds, statement.kind) == condition.kinds.end())
    return false;
  if (condition.where_absent && !statement.without_where) return false;
  if (condition.opaque && !statement.opaque) return false;
  if (condition.copy && *condition.copy != statement.copy) return false;
  const auto is_table = [](Role role) { return role == Role::reads || role == Role::writes; };
  return names_one(condition.tables, facts, number, is_table) &&
         names_one(condition.columns, facts, number, [](Role role) { return role == Role::column; }) &&
         names_one(condition.functions, facts, number, [](Role role) { return role == Role::function; });
}

}  // namespace

// The last `*` takes one more character each time that the rest does not fit: never more than the product of both
// lengths.
bool is_like(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Match matches(const SqlCondition& condition, const Facts& facts) {
  const bool several = !condition.several || facts.several();
  for (std::size_t number = 0; several && number < facts.statements().size(); ++number)
    if (holds(condition, facts, number)) return Match::yes;
  return facts.incomplete() || facts.mistake() != nullptr ? Match::unknown : Match::no;
}

}  // namespace sluice::sql
