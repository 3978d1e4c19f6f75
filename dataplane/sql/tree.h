// Facts from the grammar's tree, in libpg-query's JSON: `{"SelectStmt": {"fromClause": [{"RangeVar": {...}}]}}`.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "dataplane/sql/facts.h"

namespace sluice::sql {

void add_facts(const nlohmann::json& tree, FactsBuilder& facts);

}  // namespace sluice::sql
