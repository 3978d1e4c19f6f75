// Reads what a rule asks of a SQL statement: the map `sql: {kinds: [delete], tables: [hr.users], where: absent}`.
#pragma once

#include "rules/fields.h"
#include "rules/sql_condition.h"

namespace sluice::rules {

SqlCondition read_sql(const YamlNode& node, Report& report);

}  // namespace sluice::rules
