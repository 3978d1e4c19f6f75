// What a rule asks of a statement, in words for people.
#pragma once

#include <string>

#include "rules/sql_condition.h"

namespace sluice::rules {

// "delete or update without WHERE, tables hr.* or users"
std::string text_of(const SqlCondition& condition);

}  // namespace sluice::rules
