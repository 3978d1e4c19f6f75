// Reads which columns a rule names: `columns: [card, "*_ssn", {name: pay, type: numeric}, {table: 16402, attribute:
// 3}]`.
#pragma once

#include <vector>

#include "rules/column.h"
#include "rules/fields.h"

namespace sluice::rules {

std::vector<ColumnPattern> read_columns(const YamlNode& node, Report& report);

}  // namespace sluice::rules
