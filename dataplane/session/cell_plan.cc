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
  cells_.assign(cells, {});
  rules_.clear();
  bool is_plain = true;
  for (std::uint32_t i = 0; i < cells; ++i) {
    PlannedCell& cell = cells_[i];
    const std::size_t first_rule = rules_.size();
    const std::uint16_t format = conversation.format(i).value_or(postgres::kTextFormat);
    for (const RuleIndex index : column_rules)
      if (concerns(unit.policy->snapshot->rule(index), columns, i)) rules_.push_back(index);
    cell.hidden_by = std::span(rules_).subspan(first_rule);
    if (columns != nullptr && (!cell.hidden_by.empty() || format == postgres::kBinaryFormat)) {
      cell.type = (*columns)[i].type;
      cell.blank = postgres::blank_of(cell.type, format);
      if (format == postgres::kBinaryFormat && CodedValue::reads(cell.type)) {
        cell.coded = postgres::type_of(cell.type);
        cell.is_array = cell.coded == nullptr;
        if (cell.is_array) cell.coded = postgres::type_of_array(cell.type);
        cell.blank = cell.coded->binary_blank;
      }
    }
    is_plain = is_plain && cell.hidden_by.empty() && cell.coded == nullptr;
  }
  if (is_plain) cells_ = {};
  std::span<const RuleIndex> rules = rules_;  // which have moved as they became more
  for (PlannedCell& cell : cells_) {
    cell.hidden_by = rules.first(cell.hidden_by.size());
    rules = rules.subspan(cell.hidden_by.size());
  }
}

}  // namespace sluice::session
