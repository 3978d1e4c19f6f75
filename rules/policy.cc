// See policy.h. Reads the parts, then checks what only the whole file can tell.
#include "rules/policy.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <map>
#include <set>
#include <utility>

#include "rules/bounds.h"
#include "rules/fields.h"
#include "rules/rule_book.h"
#include "rules/service_reader.h"
#include "rules/yaml_tree.h"

namespace sluice::rules {
namespace {

// Reports everything whose key an earlier one already has. `what` reads "service %", "address %".
template <class Items, class KeyOf>
void check_unique(const Items& items, std::string_view what, KeyOf key_of, Report& report) {
  std::map<std::string, Position> seen;
  for (const auto& item : items) {
    const std::string key = key_of(item);
    const auto [first, fresh] = seen.emplace(key, item.position);
    if (!fresh)
      report.add(item.position, fmt::format("{} {} is given twice", what, show(key)),
                 fmt::format("it already stands in line {}", first->second.line));
  }
}

bool within(const YamlNode& list, std::size_t limit, std::string_view what, Report& report) {
  if (list.children.size() <= limit) return true;
  report.add(list.position, fmt::format("{} {}", list.children.size(), what), fmt::format("at most {}", limit));
  return false;
}

void read_services(const YamlNode& list, RuleBook& book, Policy& policy, Report& report) {
  if (!within(list, kMaxServices, "services", report)) return;
  for (const YamlNode& node : read_list(list, "services", report))
    if (auto service = read_service(node, book, report)) policy.services.push_back(*std::move(service));
  if (is_list(list) && list.children.empty()) report.add(list.position, "no services", "name at least one to protect");
  check_unique(policy.services, "service", [](const Service& s) { return s.name; }, report);
  check_unique(policy.services, "address", [](const Service& s) { return format_endpoint(s.address, s.port); }, report);
}

void read_principals(const YamlNode& list, Policy& policy, Report& report) {
  if (!within(list, kMaxPrincipals, "principals", report)) return;
  for (const YamlNode& node : read_list(list, "principals", report))
    if (auto principal = read_principal(node, report)) policy.principals.push_back(*std::move(principal));
  // One principal may call from several networks; one network is one principal's.
  check_unique(
      policy.principals, "network",
      [](const Principal& p) { return fmt::format("{}/{}", format_address(p.network), p.prefix_bits); }, report);
}

// A principal's limits are those of its name, and the name may stand at several networks.
void check_principal_limits(const Policy& policy, Report& report) {
  std::map<std::string_view, Position> seen;
  for (const Principal& principal : policy.principals) {
    if (principal.limits.empty()) continue;
    const auto [first, fresh] = seen.emplace(principal.name, principal.position);
    if (!fresh)
      report.add(principal.limits.front().position, fmt::format("principal {} has limits twice", show(principal.name)),
                 fmt::format("those in line {} are for all of its networks; put all limits there", first->second.line));
  }
}

void check_across(const Policy& policy, Report& report) {
  for (const Service& service : policy.services) {
    std::set<Across> groups;
    for (const RuleIndex index : service.rules)
      if (policy.rules[index].across) groups.insert(*policy.rules[index].across);
    if (groups.size() > kMaxAcrossGroups)
      report.add(service.position, fmt::format("{} different keys across in the rules of a service", groups.size()),
                 fmt::format("at most {}; let rules tie requests together in the same way", kMaxAcrossGroups));
  }
}

// What a rule names must be there: columns are of results.
void check_columns(const Policy& policy, Report& report) {
  for (const Service& service : policy.services)
    for (const RuleIndex index : service.rules)
      if (!policy.rules[index].columns.empty() && service.protocol != Protocol::postgres)
        report.add(service.position,
                   fmt::format("rule {} of service {} names columns, which protocol {} has not",
                               show(policy.rules[index].name), show(service.name), EnumNameProtocol(service.protocol)),
                   "leave the rule out there, or protocol: postgres");
}

// What comes in several statements has no key that ties it.
void check_postgres(const Policy& policy, Report& report) {
  for (const Service& service : policy.services) {
    if (service.protocol != Protocol::postgres) continue;
    for (const RuleIndex index : service.rules) {
      const Rule& rule = policy.rules[index];
      if (!rule.across) continue;
      report.add(service.position,
                 fmt::format("rule {} of service {} looks across requests, which protocol postgres has not yet",
                             show(rule.name), show(service.name)),
                 "leave the rule out there");
    }
  }
}

}  // namespace

std::expected<Policy, Problems> parse_policy(std::string_view yaml, std::string_view file_name,
                                             const PackSource& packs) {
  const auto root = parse_yaml(yaml, file_name);
  if (!root) return std::unexpected(root.error());
  Policy policy;
  policy.file_name = file_name;
  SHA256(reinterpret_cast<const unsigned char*>(yaml.data()), yaml.size(), policy.source_sha256.data());

  Report report(file_name);
  RuleBook book(packs, report);
  Fields fields(*root, "the policy", report);
  if (const YamlNode* node = fields.get("rules")) book.read_local(*node);
  if (const YamlNode* node = fields.need("services", "services: [...]")) read_services(*node, book, policy, report);
  if (const YamlNode* node = fields.get("principals")) read_principals(*node, policy, report);
  if (const YamlNode* node = fields.get("retention")) {
    Fields classes(*node, "retention", report);
    for (const YamlNode& child :
         is_map(*node) ? std::span<const YamlNode>(node->children) : std::span<const YamlNode>())
      if (auto retention = read_retention(child, report)) policy.retention.push_back(*std::move(retention));
  }
  for (const std::string_view key : {"limits", "approvals", "reviewers", "grants", "identity", "vault", "alerts"})
    fields.not_yet(key);
  fields.finish();
  policy.rules = book.take();
  if (policy.rules.size() > kMaxRules)
    report.add(root->position, fmt::format("{} rules, those of packs included", policy.rules.size()),
               fmt::format("at most {}", kMaxRules));
  check_across(policy, report);
  check_columns(policy, report);
  check_postgres(policy, report);
  check_principal_limits(policy, report);
  if (!report.empty()) return std::unexpected(report.take());
  return policy;
}

}  // namespace sluice::rules
