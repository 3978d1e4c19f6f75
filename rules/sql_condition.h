// What a rule may ask of what a SQL statement means. A value; the data plane asks it of facts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/sql_words.h"

namespace sluice::rules {

// `name`, or `schema.name`; in both parts `*` stands for any characters and `?` for one.
struct SqlName {
  std::string qualifier;  // empty: any
  std::string name;
};

// All that is given must hold of one statement; of each list one is enough.
struct SqlCondition {
  std::vector<sql::Kind> kinds;
  std::vector<SqlName> tables;  // read or written
  std::vector<SqlName> columns;
  std::vector<SqlName> functions;
  std::optional<sql::CopyEnd> copy;
  bool where_absent = false;  // an UPDATE or DELETE that asks nothing of a row
  bool several = false;       // of the text: more than one statement stands in it
};

}  // namespace sluice::rules
