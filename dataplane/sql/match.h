// Whether what a rule asks is so of a text of SQL.
#pragma once

#include "dataplane/sql/facts.h"
#include "rules/sql_condition.h"

namespace sluice::sql {

// `unknown`: nothing found, and the facts are not all there is, or the grammar did not take the text.
enum class Match : std::uint8_t { no, yes, unknown };

// A name without a schema may be one of any schema, in the condition and in the statement: which one it is, the search
// path decides. `*` names every column. Statements that are only explained are not run, so nothing is asked of them.
Match matches(const rules::SqlCondition& condition, const Facts& facts);

// Whether `text` is of the pattern: `*` any characters, `?` one.
bool is_like(std::string_view pattern, std::string_view text);

}  // namespace sluice::sql
