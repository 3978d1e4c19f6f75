// See cell_plan.h.
#include "dataplane/session/cell_plan.h"

#include <algorithm>

#include "dataplane/session/coded_value.h"

namespace sluice::session {
namespace {

using postgres::Columns;

bool names(const rules::ColumnPattern& pattern, const Columns& columns, std::uint32_t index) {
  const postgres::Column& column = columns[index];
  return (pattern.table == 0 || pattern.table == column.table) &&
         (pattern.attribute == 0 || pattern.attribute == column.attribute) &&
         (pattern.type == 0 || pattern.type == column.type) &&
         (pattern.name.empty() || rules::matches_name(pattern.name, columns.name(index)));
}

// A column that is not known may be any; what only counts is not asked then.
bool concerns(const enforce::Rule& rule, const Columns* columns, std::uint32_t index) {
  if (columns == nullptr) return rule.action == enforce::Action::mask || rule.mask_record;
  return std::ranges::any_of(rule.columns, [&](const auto& pattern) { return names(pattern, *columns, index); });
}

}  // namespace

void CellPlan::build(const postgres::Conversation& conversation, const UnitInfo& unit, std::uint32_t cells) {
  const Columns* columns = conversation.columns();
  const std::vector<RuleIndex>& column_rules = unit.service->column_rules;
  cells_.clear();
  rules_.clear();
  bool is_plain = true;
  for (std::uint32_t i = 0; i < cells; ++i) {
    Entry entry{.first_rule = static_cast<std::uint32_t>(rules_.size())};
    const std::uint16_t format = conversation.format(i).value_or(postgres::kTextFormat);
    for (const RuleIndex index : column_rules)
      if (concerns(unit.policy->snapshot->rule(index), columns, i)) rules_.push_back(index);
    entry.rules = static_cast<std::uint32_t>(rules_.size()) - entry.first_rule;
    if (columns != nullptr && (entry.rules > 0 || format == postgres::kBinaryFormat)) {
      entry.type = (*columns)[i].type;
      entry.is_coded = format == postgres::kBinaryFormat && CodedValue::reads(entry.type);
      entry.blank = postgres::blank_of(entry.type, format);
    }
    is_plain = is_plain && entry.rules == 0 && !entry.is_coded;
    cells_.push_back(entry);
  }
  if (is_plain) cells_.clear();
}

}  // namespace sluice::session
