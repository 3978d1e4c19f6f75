// What a rule may ask of what a SQL statement means. A value; the data plane asks it of facts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sql_words.h"

namespace sluice::rules {

// `name`, or `schema.name`; in both parts `*` stands for any characters and `?` for one.
struct SqlName {
  std::string qualifier;  // empty: any
  std::string name;

  bool operator==(const SqlName&) const = default;
};

inline SqlName sql_name_of(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1))};
}
inline std::string text_of(const SqlName& name) {
  return name.qualifier.empty() ? name.name : name.qualifier + "." + name.name;
}

// All that is given must hold of one statement; of each list one is enough.
struct SqlCondition {
  std::vector<sql::Kind> kinds;
  std::vector<SqlName> tables;  // read or written
  std::vector<SqlName> columns;
  std::vector<SqlName> functions;
  std::optional<sql::CopyEnd> copy;
  bool where_absent = false;  // an UPDATE or DELETE that asks nothing of a row
  bool opaque = false;        // holds code that the grammar does not read: DO, a function's body
  bool several = false;       // of the text: more than one statement stands in it

  bool operator==(const SqlCondition&) const = default;
};

}  // namespace sluice::rules
