// See test_policy.h.
#include "tests/support/test_policy.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/policy.h"

namespace sluice::test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

session::PolicyRef build_policy(std::string_view yaml, std::uint64_t version) {
  auto parsed = rules::parse_policy(yaml, "test.yaml", rules::PackSource());
  if (!parsed) throw std::runtime_error(rules::to_error(parsed.error()).message());
  const auto compiled = must(rules::compile_policy(*parsed, rules::this_platform(), version, 0));
  const auto keys = must(rules::generate_keypair());
  const auto bundle = must(rules::sign_bundle(compiled, keys.private_key));

  auto policy = std::make_shared<session::Policy>();
  policy->snapshot = must(enforce::Snapshot::load(bundle, keys.public_key));
  // Tests are short-lived: counters may outlive them.
  for (std::size_t i = 0; i < policy->snapshot->services().size(); ++i)
    policy->services.push_back(new session::ServiceCounters);
  for (std::size_t i = 0; i < policy->snapshot->rule_count(); ++i) policy->rules.push_back(new Counter);
  for (std::size_t i = 0; i < policy->snapshot->limit_names().size(); ++i)
    policy->limits.push_back(new enforce::LimitCounters);
  return policy;
}

}  // namespace

session::PolicyRef make_policy(std::string_view yaml, inspect::Scratch& scratch, std::uint64_t version) {
  // Compiling takes longer than most tests. As long as the process, as are the counters.
  static auto& built = *new std::map<std::pair<std::string, std::uint64_t>, session::PolicyRef>;
  session::PolicyRef& policy = built[{std::string(yaml), version}];
  if (!policy) policy = build_policy(yaml, version);
  if (auto grown = policy->snapshot->prepare(scratch); !grown) throw std::runtime_error(grown.error().message());
  return policy;
}

std::string masking_policy(std::string_view more, std::string_view mode) {
  return fmt::format(R"(services:
  - name: web
    address: 10.0.0.2:80
    protocol: http
    mode: {}
    rules: [local/card, local/email, local/drop]
{}
  - name: web6
    address: "[2001:db8::2]:80"
    protocol: http
    mode: {}
    rules: [local/card, local/email, local/drop]
{}
principals:
  - {{name: ci, from: 10.0.0.64/26}}
  - {{name: ci, from: "2001:db8:0:1::/64"}}
rules:
  - name: card
    match: '\b(?:\d[ -]?){{12,18}}\d\b'
    validate: luhn
    where: [request, response]
    action: mask
    mask: {{keep_last: 4, on: [wire, record]}}
  - name: email
    match: '\b[a-z0-9._%+-]{{1,64}}@[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{0,3}}\.[a-z]{{2,24}}\b'
    ignore_case: true
    where: [request, response]
    action: mask
    mask: {{on: [wire, record]}}
  - name: drop
    match: 'drop table [a-z]{{1,20}}'
    ignore_case: true
    where: [request]
    action: deny
)",
                     mode, more, mode, more);
}

}  // namespace sluice::test
