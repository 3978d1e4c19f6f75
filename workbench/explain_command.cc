// See explain_command.h.
#include "workbench/explain_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rules/column_reader.h"
#include "rules/sample_text.h"
#include "rules/sql_text.h"
#include "workbench/words.h"

namespace sluice::workbench {
namespace {

using Json = nlohmann::ordered_json;

std::string conditions_of(const rules::Rule& rule) {
  std::vector<std::string> parts;
  const rules::ConditionSpec& spec = rule.conditions;
  if (rule.validator != rules::Validator::none)
    parts.push_back(fmt::format("{} holds", EnumNameValidator(rule.validator)));
  if (spec.group != 0) parts.push_back(fmt::format("only group {} counts", spec.group));
  if (spec.min_entropy_millibits != 0)
    parts.push_back(fmt::format("at least {:.3g} bits a byte", spec.min_entropy_millibits / 1000.0));
  if (!spec.context.words.empty())
    parts.push_back(fmt::format("within {} bytes {} stands one of: {}", spec.context.within,
                                spec.context.both_sides ? "on either side" : "before it",
                                fmt::join(spec.context.words, ", ")));
  for (const auto& [list, what] : {std::pair(&spec.allow.values, "is none of: {}"),
                                   {&spec.allow.contain, "holds none of: {}"},
                                   {&spec.allow.match, "is not matched by: {}"}})
    if (!list->empty()) parts.push_back(fmt::format(fmt::runtime(what), fmt::join(*list, ", ")));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string columns_of(const rules::Rule& rule) {
  std::vector<std::string> texts;
  for (const rules::ColumnPattern& column : rule.columns) texts.push_back(rules::text_of(column));
  return fmt::format("{}", fmt::join(texts, ", "));
}

rules::AnchorReport anchor_of(const rules::Rule& rule) {
  return rules::report_anchor(rule.expression, rule.caseless, as_bytes(rules::sample_text()));
}

std::string anchor_text(const rules::AnchorReport& anchor) {
  if (anchor.kind == rules::AnchorKind::pattern) return "none: it runs in a database of expressions over every byte";
  return fmt::format("{} {}; expected {:.0f} times a megabyte, found {:.0f} times in ordinary text", kind_of(anchor),
                     anchor.what, anchor.expected_per_mb, anchor.found_per_mb);
}

std::string text_of(const rules::Rule& rule) {
  std::string out = fmt::format("{}\n", rule.name);
  const auto add = [&](std::string_view title, const std::string& text) {
    if (!text.empty()) out += fmt::format("  {:<12} {}\n", title, text);
  };
  add("about", rule.about);
  if (rule.sql) {
    add("asks", "is a SQL statement " + rules::text_of(*rule.sql) + "?");
  } else if (!rule.columns.empty()) {
    add("hides", "cells of results in the columns " + columns_of(rule));
  } else {
    add("expression", rule.expression + (rule.caseless ? "  (either case)" : ""));
    add("widths", fmt::format("{} to {} bytes", rule.min_width, rule.max_width));
    add("looked for", anchor_text(anchor_of(rule)));
    add("and then", conditions_of(rule));
    add("where", places_of(rule));
  }
  add("does", verdict_of(rule) + (rule.keep_last == 0 ? "" : fmt::format(", but for the last {}", rule.keep_last)));
  add("named by", rule.name.starts_with("local/")
                      ? rule.name + " or local/*, in its own policy"
                      : fmt::format("{} or {}/*", rule.name, rule.name.substr(0, rule.name.find('/'))));
  if (!rule.hits.empty())
    add("samples", fmt::format("{} that hit, {} that miss", rule.hits.size(), rule.misses.size()));
  return out;
}

std::string json_of_sql(const rules::Rule& rule) {
  const Json out = {{"rule", rule.name},           {"about", rule.about},      {"sql", rules::text_of(*rule.sql)},
                    {"verdict", verdict_of(rule)}, {"hits", rule.hits.size()}, {"misses", rule.misses.size()}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string json_of_columns(const rules::Rule& rule) {
  const Json out = {
      {"rule", rule.name}, {"about", rule.about}, {"columns", columns_of(rule)}, {"verdict", verdict_of(rule)}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<std::string> explain_rule(const GivenNames& names, const std::string& name, bool json) {
  const auto rule = find_rule(names, name);
  if (!rule) return std::unexpected(rule.error());
  if (!json) return text_of(*rule);
  if (rule->sql) return json_of_sql(*rule);
  if (!rule->columns.empty()) return json_of_columns(*rule);
  const rules::AnchorReport anchor = anchor_of(*rule);
  const Json out = {{"rule", rule->name},
                    {"about", rule->about},
                    {"expression", rule->expression},
                    {"ignore_case", rule->caseless},
                    {"min_width", rule->min_width},
                    {"max_width", rule->max_width},
                    {"anchor", kind_of(anchor)},
                    {"looked_for", anchor.what},
                    {"expected_per_mb", anchor.expected_per_mb},
                    {"found_per_mb", anchor.found_per_mb},
                    {"conditions", conditions_of(*rule)},
                    {"where", places_of(*rule)},
                    {"verdict", verdict_of(*rule)},
                    {"keep_last", rule->keep_last},
                    {"hits", rule->hits.size()},
                    {"misses", rule->misses.size()}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::workbench
