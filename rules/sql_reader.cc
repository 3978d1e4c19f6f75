// See sql_reader.h.
#include "rules/sql_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/bounds.h"

namespace sluice::rules {
namespace {

using sql::CopyEnd;
using sql::Kind;

constexpr Word<bool> kWhere[] = {{"absent", true}};
constexpr Word<bool> kCode[] = {{"opaque", true}};
constexpr Word<bool> kStatements[] = {{"several", true}};
constexpr Word<CopyEnd> kCopyEnds[] = {
    {"program", CopyEnd::program}, {"file", CopyEnd::file}, {"client", CopyEnd::client}};

bool is_name_part(std::string_view part) {
  return !part.empty() && part.find_first_of(" \t\n\"'`;") == std::string_view::npos;
}

std::optional<SqlName> read_name(const YamlNode& node, bool may_be_qualified, Report& report) {
  const auto text = read_text(node, report);
  if (!text) return std::nullopt;
  SqlName name = sql_name_of(*text);
  const bool sound = text->size() <= kMaxSqlNameBytes && is_name_part(name.name) && !name.name.contains('.') &&
                     (!text->contains('.') || (may_be_qualified && is_name_part(name.qualifier)));
  if (sound) return name;
  report.add(
      node.position, fmt::format("'{}' is no name", text->substr(0, kMaxSqlNameBytes)),
      may_be_qualified ? "users, hr.users or hr.*; without quotes" : "ssn or *_key; the name alone, without quotes");
  return std::nullopt;
}

void read_names(Fields& fields, std::string_view key, bool may_be_qualified, std::vector<SqlName>& names,
                Report& report) {
  const YamlNode* const node = fields.get(key);
  if (node == nullptr) return;
  const auto items = read_one_or_list(*node, key, report);
  if (items.size() > kMaxSqlNames)
    report.add(node->position, fmt::format("{} names", items.size()),
               fmt::format("at most {}; * stands for any", kMaxSqlNames));
  for (const YamlNode& item : items.first(std::min(items.size(), kMaxSqlNames)))
    if (auto name = read_name(item, may_be_qualified, report)) names.push_back(*std::move(name));
}

void read_kinds(Fields& fields, std::vector<Kind>& kinds, Report& report) {
  const YamlNode* const node = fields.get("kinds");
  if (node == nullptr) return;
  for (const YamlNode& item : read_one_or_list(*node, "kinds", report))
    if (const auto index = read_word(item, sql::kind_words(), {}, report)) kinds.push_back(static_cast<Kind>(*index));
}

// What can never be so together.
void check(const YamlNode& node, const SqlCondition& condition, Report& report) {
  const auto lacks = [&](Kind one, Kind other) {
    return !condition.kinds.empty() && std::ranges::find(condition.kinds, one) == condition.kinds.end() &&
           std::ranges::find(condition.kinds, other) == condition.kinds.end();
  };
  if (condition.where_absent && lacks(Kind::update, Kind::delete_))
    report.add(node.position, "where: absent is for update and delete", "kinds: [update, delete], or no kinds");
  if (condition.copy && lacks(Kind::copy_from, Kind::copy_to))
    report.add(node.position, "copy is for copy_from and copy_to", "kinds: [copy_from, copy_to], or no kinds");
}

}  // namespace

SqlCondition read_sql(const YamlNode& node, Report& report) {
  SqlCondition condition;
  const std::size_t known_problems = report.size();
  Fields fields(node, "sql", report);
  read_kinds(fields, condition.kinds, report);
  read_names(fields, "tables", true, condition.tables, report);
  read_names(fields, "columns", false, condition.columns, report);
  read_names(fields, "functions", true, condition.functions, report);
  if (const YamlNode* const copy = fields.get("copy")) condition.copy = read_choice(*copy, kCopyEnds, report);
  if (const YamlNode* const where = fields.get("where"))
    condition.where_absent = read_choice(*where, kWhere, report).value_or(false);
  if (const YamlNode* const code = fields.get("code"))
    condition.opaque = read_choice(*code, kCode, report).value_or(false);
  if (const YamlNode* const statements = fields.get("statements"))
    condition.several = read_choice(*statements, kStatements, report).value_or(false);
  fields.finish();
  if (report.size() != known_problems) return condition;
  if (condition == SqlCondition{}) report.add(node.position, "sql asks nothing", "kinds: [drop, truncate]");
  check(node, condition, report);
  return condition;
}

}  // namespace sluice::rules
