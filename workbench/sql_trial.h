// Statements at hand, asked as the data plane asks them.
#pragma once

#include <string_view>

#include "rules/sql_condition.h"

namespace sluice::workbench {

// Whether it is so of a statement; one that cannot be read says nothing.
bool is_so(const rules::SqlCondition& condition, std::string_view statement);

}  // namespace sluice::workbench
