// Reads what a rule asks of a SQL statement: the map `sql: {kinds: [delete], tables: [hr.users], where: absent}`.
#pragma once

#include "rules/fields.h"
#include "rules/sql_condition.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxSqlNames = 64;       // of a list
inline constexpr std::size_t kMaxSqlNameBytes = 127;  // two names of PostgreSQL and a dot

SqlCondition read_sql(const YamlNode& node, Report& report);

}  // namespace sluice::rules
