// See tree.h. Fields are known by their names, which mean the same in every node; what is not known is looked through,
// so that a table is found wherever the grammar puts it.
#include "dataplane/sql/tree.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dataplane/sql/condition.h"
#include "dataplane/sql/node_kinds.h"
#include "dataplane/sql/tree_names.h"

namespace sluice::sql {
namespace {

// Where a node lies.
struct Place {
  std::uint8_t statement = 0;
  Role tables = Role::reads;  // what happens to tables named here
  bool assigns = false;       // targets are columns that are written, not aliases
  bool explained = false;     // statements here are not run
  std::uint32_t depth = 0;    // of the tree
};

constexpr std::string_view kColumnLists[] = {"cols",     "attlist",  "va_cols",    "keys",
                                             "fk_attrs", "pk_attrs", "usingClause"};
// A select there is a part of the statement around it.
constexpr std::string_view kSelectParts[] = {"subselect", "subquery", "ctequery", "selectStmt"};
// Tables there are only looked at, whatever the statement does.
constexpr std::string_view kLookedAt[] = {"pktable", "inhRelations", "TableLikeClause"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::ranges::find(words, word) != std::end(words);
}

bool changes_tables(Kind kind) {
  return kind == Kind::create || kind == Kind::alter || kind == Kind::drop || kind == Kind::truncate ||
         kind == Kind::comment || kind == Kind::grant || kind == Kind::revoke || kind == Kind::copy_from;
}

bool has_target(Kind kind) {
  return kind == Kind::insert || kind == Kind::update || kind == Kind::delete_ || kind == Kind::merge;
}

// {"SelectStmt": {...}}
bool is_statement(const Json& node) {
  return node.is_object() && node.size() == 1 && node.begin().key().ends_with("Stmt") && node.begin()->is_object();
}

bool has_option(const Json& node, std::string_view name) {
  const auto options = node.find("options");
  if (options == node.end() || !options->is_array()) return false;
  return std::ranges::any_of(*options, [&](const Json& option) {
    return option.contains("DefElem") && text_in(option["DefElem"], "defname") == name;
  });
}

// LIMIT ALL and LIMIT NULL are none.
bool has_limit(const Json& select) {
  const auto count = select.find("limitCount");
  if (count == select.end()) return false;
  const auto constant = count->find("A_Const");
  return constant == count->end() || !flag_in(*constant, "isnull");
}

// SELECT ... INTO, which may stand in the first arm of a UNION.
const Json* into_of(const Json& select) {
  const Json* node = &select;
  while (node->is_object() && !node->contains("intoClause") && node->contains("larg")) node = &(*node)["larg"];
  const auto into = node->find("intoClause");
  return into == node->end() ? nullptr : &*into;
}

class TreeReader {
 public:
  explicit TreeReader(FactsBuilder& facts) : facts_(facts) {}

  void text(const Json& tree) {
    const auto statements = tree.find("stmts");
    if (statements == tree.end()) return;
    for (const Json& one : *statements)
      if (one.contains("stmt") && is_statement(one["stmt"])) statement(one["stmt"], 0, false, 1);
  }

 private:
  void statement(const Json& wrapped, std::uint8_t nesting, bool explained, std::uint32_t depth);
  Statement describe(std::string_view node_name, const Json& node) const;
  void with(const Json& clause, const Place& place);
  void fields(const Json& node, const Place& place, std::string_view skip = {});
  void field(std::string_view key, const Json& child, const Place& place);
  void walk(std::string_view key, const Json& node, Place place);
  void table(const Json& range, const Place& place, Role role);
  void column_list(const Json& list, const Place& place);
  void column(const Json& parts, const Place& place);
  void command(const Json& command, const Place& place);
  void target(std::string_view node_name, const Json& node, const Place& place);

  FactsBuilder& facts_;
  std::vector<std::string_view> queries_;  // names that WITH gives, innermost last
};

Statement TreeReader::describe(std::string_view node_name, const Json& node) const {
  const NodeKind known = kind_of_node(node_name);
  Statement statement{.kind = known.kind, .object = known.object};
  for (const char* key : {"removeType", "renameType", "objtype", "objectType"})
    if (node.contains(key)) statement.object = object_of(text_in(node, key));
  if (node_name == "DefineStmt") statement.object = object_of(text_in(node, "kind"));
  const Json* rights = &node;
  if (node_name == "AlterDefaultPrivilegesStmt" && node.contains("action")) {
    rights = &node["action"];
    statement.object = object_of(text_in(*rights, "objtype"));
  }
  if (statement.kind == Kind::revoke && flag_in(*rights, "is_grant")) statement.kind = Kind::grant;
  if (node_name == "CopyStmt") {
    if (flag_in(node, "is_from")) statement.kind = Kind::copy_from;
    statement.copy = flag_in(node, "is_program") ? CopyEnd::program
                     : node.contains("filename") ? CopyEnd::file
                                                 : CopyEnd::client;
  }
  if (node_name == "VacuumStmt" && !flag_in(node, "is_vacuumcmd")) statement.kind = Kind::analyze;
  if (node_name == "CreateFunctionStmt") {
    if (flag_in(node, "is_procedure")) statement.object = Object::procedure;
    statement.opaque = has_option(node, "as");
  }
  if (statement.kind == Kind::do_) statement.opaque = true;
  if (statement.kind == Kind::update || statement.kind == Kind::delete_)
    statement.without_where =
        !node.contains("whereClause") || !depends_on_row(node["whereClause"], facts_.bounds().depth);
  if (statement.kind == Kind::select) {
    statement.limit = has_limit(node);
    statement.locks_rows = node.contains("lockingClause");
  }
  return statement;
}

void TreeReader::statement(const Json& wrapped, std::uint8_t nesting, bool explained, std::uint32_t depth) {
  const std::string& node_name = wrapped.begin().key();
  const Json& node = *wrapped.begin();
  if (nesting == 255) return facts_.mark_incomplete();
  if (const Json* const into = node_name == "SelectStmt" ? into_of(node) : nullptr;
      into != nullptr && into->contains("rel")) {
    const std::uint8_t maker =
        facts_.add({.kind = Kind::create, .object = Object::table, .depth = nesting, .only_explained = explained});
    table((*into)["rel"], {.statement = maker}, Role::writes);
    ++nesting;
  }
  Statement made = describe(node_name, node);
  made.depth = nesting;
  made.only_explained = explained;
  Place place{.statement = facts_.add(made), .depth = depth};
  if (changes_tables(made.kind)) place.tables = Role::writes;
  place.assigns = made.kind == Kind::update;
  place.explained = explained || (made.kind == Kind::explain && !has_option(node, "analyze"));
  target(node_name, node, place);
  fields(node, place, has_target(made.kind) ? "relation" : node_name == "CreateFunctionStmt" ? "funcname" : "");
}

// What the statement is about, beyond the tables that are found on the way.
void TreeReader::target(std::string_view node_name, const Json& node, const Place& place) {
  const Statement about = facts_.statement(place.statement);
  if (has_target(about.kind) && node.contains("relation")) table(node["relation"], place, Role::writes);
  const auto object = [&](const Name& name) { facts_.use(place.statement, Role::object, name.qualifier, name.name); };
  for (const Json* const json : named_objects(node_name, node)) {
    const Name name = name_of(*json);
    if (name.name.empty()) continue;
    const bool rights = about.kind == Kind::grant || about.kind == Kind::revoke;
    if (about.object == Object::column && json->is_string()) {
      facts_.use(place.statement, Role::column, {}, name.name);  // RENAME COLUMN
    } else if (rights || !json->is_object()) {
      object(name);
    } else if (about.object == Object::table || about.object == Object::view ||
               about.object == Object::materialized_view) {
      facts_.use(place.statement, Role::writes, name.qualifier, name.name);
    } else if (about.object == Object::column) {
      facts_.use(place.statement, Role::column, name.qualifier, name.name);
      facts_.use(place.statement, Role::writes, name.outer, name.qualifier);
    } else {
      object(name);
      const bool on_table = about.object == Object::trigger || about.object == Object::rule ||
                            about.object == Object::policy || about.object == Object::constraint;
      if (on_table && !name.qualifier.empty()) facts_.use(place.statement, Role::writes, name.outer, name.qualifier);
    }
  }
}

// Each query of WITH sees those before it, and with RECURSIVE all; the statement itself sees all.
void TreeReader::with(const Json& clause, const Place& place) {
  const auto queries = clause.find("ctes");
  if (queries == clause.end()) return;
  const bool recursive = flag_in(clause, "recursive");
  const auto name_all = [&](const Json& query) {
    if (query.contains("CommonTableExpr")) queries_.push_back(text_in(query["CommonTableExpr"], "ctename"));
  };
  if (recursive) std::ranges::for_each(*queries, name_all);
  Place inside = place;
  inside.tables = Role::reads;
  inside.assigns = false;
  for (const Json& query : *queries) {
    walk("ctes", query, inside);
    if (!recursive) name_all(query);
  }
}

void TreeReader::fields(const Json& node, const Place& place, std::string_view skip) {
  const std::size_t known = queries_.size();
  if (node.contains("withClause")) with(node["withClause"], place);
  for (const auto& [key, child] : node.items())
    if (key != skip && key != "withClause") field(key, child, place);
  queries_.resize(known);
}

void TreeReader::field(std::string_view key, const Json& child, const Place& place) {
  if (key == "colname" && child.is_string())
    return facts_.use(place.statement, Role::column, {}, child.get_ref<const std::string&>());
  if (!child.is_structured()) return;
  Place inside = place;
  // INTO is told with the statement; FOR UPDATE OF names what FROM has already, by its alias.
  if (key == "intoClause" || key == "lockedRels") return;
  if (key == "sequence")
    return facts_.use(place.statement, Role::object, text_in(child, "schemaname"), text_in(child, "relname"));
  if (key == "ColumnRef") return column(child, place);
  if (key == "funcname") {
    const Name name = name_of(child);
    return facts_.use(place.statement, Role::function, name.qualifier, name.name);
  }
  if (is_one_of(key, kColumnLists)) column_list(child, place);
  if (key == "targetList" && place.assigns) column_list(child, place);
  if (key == "IndexElem" && child.contains("name"))
    facts_.use(place.statement, Role::column, {}, text_in(child, "name"));
  if (key == "AlterTableCmd") command(child, place);
  if (is_one_of(key, kLookedAt)) inside.tables = Role::reads;
  inside.assigns = key == "onConflictClause" || key == "MergeWhenClause";
  walk(key, child, inside);
}

void TreeReader::walk(std::string_view key, const Json& node, Place place) {
  if (++place.depth > facts_.bounds().depth) return facts_.mark_incomplete();
  if (node.is_array()) {
    for (const Json& child : node)
      if (child.is_structured()) walk(key, child, place);
    return;
  }
  if (!node.is_object()) return;
  if (node.contains("relname")) return table(node, place, place.tables);
  if (!is_statement(node)) return fields(node, place);
  const bool is_part = node.begin().key() == "SelectStmt" && is_one_of(key, kSelectParts);
  if (is_part) {
    place.tables = Role::reads;
    return fields(*node.begin(), place);
  }
  const std::uint8_t nesting = facts_.statement(place.statement).depth;
  statement(node, static_cast<std::uint8_t>(nesting + 1), place.explained, place.depth);
}

void TreeReader::table(const Json& range, const Place& place, Role role) {
  const std::string_view schema = text_in(range, "schemaname");
  const std::string_view name = text_in(range, "relname");
  if (role == Role::reads && schema.empty() && std::ranges::find(queries_, name) != queries_.end()) return;
  facts_.use(place.statement, role, schema, name);
}

// Strings, and targets such as those of INSERT.
void TreeReader::column_list(const Json& list, const Place& place) {
  if (!list.is_array()) return;
  for (const Json& item : list) {
    std::string_view name;
    if (item.contains("String")) name = text_in(item["String"], "sval");
    if (item.contains("ResTarget")) name = text_in(item["ResTarget"], "name");
    if (!name.empty()) facts_.use(place.statement, Role::column, {}, name);
  }
}

void TreeReader::column(const Json& reference, const Place& place) {
  const auto parts = reference.find("fields");
  if (parts == reference.end()) return;
  const Name name = name_of(*parts);
  facts_.use(place.statement, Role::column, name.qualifier, name.name);
}

// ALTER TABLE ... DROP COLUMN and its like name a column where others name a constraint or a trigger.
void TreeReader::command(const Json& command, const Place& place) {
  const std::string_view subtype = text_in(command, "subtype");
  const std::string_view name = text_in(command, "name");
  if (name.empty()) return;
  const bool of_column = std::ranges::any_of(
      std::to_array<std::string_view>({"Column", "NotNull", "Identity", "Expression", "SetStatistics", "SetStorage",
                                       "SetCompression", "SetOptions", "ResetOptions"}),
      [&](std::string_view part) { return subtype.contains(part); });
  facts_.use(place.statement, of_column ? Role::column : Role::object, {}, name);
}

}  // namespace

void add_facts(const Json& tree, FactsBuilder& facts) {
  TreeReader(facts).text(tree);
}

}  // namespace sluice::sql
