// Reads what a rule asks of its matches: the keys group, entropy, context and allow.
#pragma once

#include "rules/fields.h"
#include "rules/rule.h"

namespace sluice::rules {

// The rule's expression has been read; it is empty when that had a problem.
void read_conditions(Fields& fields, Rule& rule, Report& report);

}  // namespace sluice::rules
