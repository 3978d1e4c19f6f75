// See given_rules.h.
#include "workbench/given_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/file.h"
#include "rules/pack.h"
#include "rules/policy.h"
#include "rules/yaml_tree.h"

namespace sluice::workbench {
namespace {

rules::PackSource source_of(const GivenNames& names) {
  return names.pack_directory.empty() ? rules::PackSource() : rules::PackSource(names.pack_directory);
}

void add(std::vector<rules::Rule>& to, std::vector<rules::Rule> from) {
  for (rules::Rule& rule : from)
    if (std::ranges::find(to, rule.name, &rules::Rule::name) == to.end()) to.push_back(std::move(rule));
}

Result<std::vector<rules::Rule>> rules_of_policy(const std::string& path, const rules::PackSource& packs) {
  const auto text = read_file(path, rules::kMaxYamlBytes);
  if (!text) return std::unexpected(text.error());
  auto policy = rules::parse_policy(as_text(*text), path, packs);
  if (!policy) return std::unexpected(rules::to_error(policy.error()));
  return std::move(policy->rules);
}

Result<std::vector<rules::Rule>> rules_of_pack(const std::string& name, const rules::PackSource& packs) {
  const auto text = packs.read(name);
  if (!text && text.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found, fmt::format("there is no pack {} in {}; there are {}", name,
                                                  packs.directory().string(), fmt::join(packs.names(), ", ")));
  if (!text) return std::unexpected(text.error());
  auto pack = rules::parse_pack(*text, name, packs.path_of(name).string());
  if (!pack) return std::unexpected(rules::to_error(pack.error()));
  return std::move(pack->rules);
}

}  // namespace

Result<std::vector<rules::Rule>> read_given(const GivenNames& names) {
  const rules::PackSource packs = source_of(names);
  std::vector<rules::Rule> all;
  for (const std::string& path : names.policies) {
    auto rules = rules_of_policy(path, packs);
    if (!rules) return rules;
    add(all, std::move(*rules));
  }
  const bool every_pack = names.policies.empty() && names.packs.empty();
  for (const std::string& name : every_pack ? packs.names() : names.packs) {
    auto rules = rules_of_pack(name, packs);
    if (!rules) return rules;
    add(all, std::move(*rules));
  }
  if (all.empty()) return fail(ErrorCode::not_found, "there is no rule in what was named");
  return all;
}

void keep_looking(std::vector<rules::Rule>& rules) {
  std::erase_if(rules, [](const rules::Rule& rule) { return rule.sql.has_value() || !rule.columns.empty(); });
}

Result<rules::Rule> find_rule(const GivenNames& names, const std::string& rule) {
  GivenNames wider = names;
  const std::string pack = rule.substr(0, rule.find('/'));
  const bool is_pack = std::ranges::count(source_of(names).names(), pack) > 0;
  if (is_pack && std::ranges::count(names.packs, pack) == 0) wider.packs.push_back(pack);
  const auto all = read_given(wider);
  if (!all) return std::unexpected(all.error());
  const auto found = std::ranges::find(*all, rule, &rules::Rule::name);
  if (found != all->end()) return *found;
  std::vector<std::string_view> known;
  for (const rules::Rule& each : *all) known.push_back(each.name);
  return fail(ErrorCode::not_found, fmt::format("there is no rule {}; {}", rule, rules::suggest_word(rule, known)));
}

}  // namespace sluice::workbench
