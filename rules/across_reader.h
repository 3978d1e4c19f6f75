// Reads the key across of a rule.
#pragma once

#include "rules/fields.h"
#include "rules/rule.h"

namespace sluice::rules {

// The rule's expression and places have been read; its widths are 0 when the expression had a problem.
void read_across(Fields& fields, Rule& rule, Report& report);

}  // namespace sluice::rules
