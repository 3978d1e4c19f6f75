// See tree_names.h.
#include "dataplane/sql/tree_names.h"

namespace sluice::sql {
namespace {

// In which field a statement has the name of what it is about.
constexpr const char* kNameFields[] = {
    "extname",  "schemaname", "dbname",  "policy_name",    "trigname",        "pubname",      "subname", "servername",
    "plname",   "fdwname",    "idxname", "tablespacename", "rulename",        "defnames",     "role",    "opclassname",
    "typeName", "domainname", "func",    "conditionname",  "conversion_name", "opfamilyname", "amname"};
// Where there are several, or one of any kind.
constexpr const char* kObjectFields[] = {"objects", "object", "roles", "granted_roles"};
// The field in which such a node keeps its name.
struct Holder {
  const char* node;
  const char* field;
};
constexpr Holder kHolders[] = {{"List", "items"},        {"ObjectWithArgs", "objname"}, {"TypeName", "names"},
                               {"RoleSpec", "rolename"}, {"AccessPriv", "priv_name"},   {"String", "sval"}};

std::string_view part_of(const Json& part) {
  if (part.contains("A_Star")) return "*";
  if (part.contains("String")) return text_in(part["String"], "sval");
  // A domain's constraint, or a cast: types are named among the parts.
  if (part.contains("TypeName")) return name_of(part).name;
  return {};
}

bool is_table(const Json& node) {
  return node.contains("RangeVar") || node.contains("relname");
}

}  // namespace

std::string_view text_in(const Json& node, const char* key) {
  const auto found = node.find(key);
  return found == node.end() || !found->is_string() ? std::string_view{} : found->get_ref<const std::string&>();
}

bool flag_in(const Json& node, const char* key) {
  const auto found = node.find(key);
  return found != node.end() && found->is_boolean() && found->get<bool>();
}

Name name_of(const Json& node) {
  if (node.is_string()) return {.outer = {}, .qualifier = {}, .name = node.get_ref<const std::string&>()};
  if (node.is_array()) {
    Name name;
    for (const Json& part : node) name = {.outer = name.qualifier, .qualifier = name.name, .name = part_of(part)};
    return name;
  }
  for (const Holder& holder : kHolders) {
    const Json& inside = node.contains(holder.node) ? node[holder.node] : node;
    if (inside.contains(holder.field)) return name_of(inside[holder.field]);
  }
  return {};
}

std::vector<const Json*> named_objects(std::string_view node_name, const Json& node) {
  std::vector<const Json*> found;
  for (const char* field : kNameFields)
    if (node.contains(field) && !is_table(node[field])) found.push_back(&node[field]);
  if (node_name == "CreateFunctionStmt" && node.contains("funcname")) found.push_back(&node["funcname"]);
  if ((node_name == "VariableSetStmt" || node_name == "VariableShowStmt") && node.contains("name"))
    found.push_back(&node["name"]);
  if (node_name == "AlterSystemStmt" && node.contains("setstmt") && node["setstmt"].contains("name"))
    found.push_back(&node["setstmt"]["name"]);
  for (const char* field : kObjectFields) {
    if (!node.contains(field)) continue;
    const Json& objects = node[field];
    if (!objects.is_array()) {
      if (!is_table(objects)) found.push_back(&objects);
      continue;
    }
    for (const Json& object : objects)
      if (!is_table(object)) found.push_back(&object);
  }
  return found;
}

}  // namespace sluice::sql
