// Reads which columns a rule names: `columns: [card, "*_ssn", {name: pay, type: numeric}, {table: 16402, attribute:
// 3}]`.
#pragma once

#include <vector>

#include "rules/column.h"
#include "rules/fields.h"

namespace sluice::rules {

std::vector<ColumnPattern> read_columns(const YamlNode& node, Report& report);

// In words for people: "salary", "pay of type numeric", "attribute 3 of table 16402".
std::string text_of(const ColumnPattern& pattern);

}  // namespace sluice::rules
