// What a rule asks of statements, from a bundle: held against the bounds that its policy was.
#pragma once

#include <optional>
#include <string_view>

#include "common/error.h"
#include "rules/sql_condition.h"
#include "schema/policy_generated.h"

namespace sluice::enforce {

// Nothing for a rule that asks nothing of them.
Result<std::optional<rules::SqlCondition>> build_sql(const schema::policy::Sql* source, std::string_view rule);

}  // namespace sluice::enforce
