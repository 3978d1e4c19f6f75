// Names in the grammar's tree: where statements that are about objects have theirs, and of what parts they are.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace sluice::sql {

using Json = nlohmann::json;

struct Name {
  std::string_view outer;  // a.b.c: a
  std::string_view qualifier;
  std::string_view name;
};

// Empty when there is none.
std::string_view text_in(const Json& node, const char* key);
bool flag_in(const Json& node, const char* key);
// A string, a list of strings, or one of the nodes that hold such; a star is `*`.
Name name_of(const Json& node);
// What a statement names that is no table of a FROM: the objects of DROP, the role of CREATE ROLE, the variable of SET.
std::vector<const Json*> named_objects(std::string_view node_name, const Json& node);

}  // namespace sluice::sql
