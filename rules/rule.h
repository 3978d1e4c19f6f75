// A rule: what to detect, where, and what to do then. The same in a policy file and in a pack.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/unit.h"
#include "rules/across.h"
#include "rules/column.h"
#include "rules/conditions.h"
#include "rules/problem.h"
#include "rules/sql_condition.h"
#include "schema/policy_generated.h"

namespace sluice::rules {

using schema::policy::Action;
using schema::policy::Place;
using schema::policy::Validator;

inline constexpr std::size_t kPlaces = 4;

struct Rule {
  std::string name;  // "local/ticket", "pii/card"
  std::string about;
  std::string expression;
  bool caseless = false;
  Validator validator = Validator::none;
  ConditionSpec conditions;
  std::array<bool, kPlaces> where{};  // by Place
  Action action = Action::mask;
  std::uint32_t score = 0;  // of a request in which it is found
  std::uint8_t keep_last = 0;
  std::array<bool, 2> mask_wire{};  // by Direction
  bool mask_record = false;
  std::uint32_t min_width = 0;
  std::uint32_t max_width = 0;
  std::optional<Across> across;  // of request bodies
  // What it asks of SQL statements, and then of nothing else: there is no expression, no place, and nothing to mask.
  std::optional<SqlCondition> sql;
  std::vector<ColumnPattern> columns;  // of results; then it has no expression
  Position position;
  // Samples, packs only: what must be found in, and what must not.
  std::vector<std::string> hits;
  std::vector<std::string> misses;

  [[nodiscard]] bool looks_at(Place place) const { return where[static_cast<std::size_t>(place)]; }
};

}  // namespace sluice::rules
