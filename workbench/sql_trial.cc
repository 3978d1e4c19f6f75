// See sql_trial.h.
#include "workbench/sql_trial.h"

#include <string>

#include "dataplane/sql/grammar.h"
#include "dataplane/sql/match.h"
#include "dataplane/sql/shape.h"

namespace sluice::workbench {

bool is_so(const rules::SqlCondition& condition, std::string_view statement) {
  sql::Shaper shaper(sql::ShapeKeys{});
  sql::Shape shape;
  if (shaper.shape(as_bytes(statement), {}, shape) != ErrorCode::ok) return false;
  return sql::matches(condition, sql::read_facts(std::string(shape.skeleton))) == sql::Match::yes;
}

}  // namespace sluice::workbench
