// What the tests of this folder share: a whole policy, and problems as text.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "rules/pack.h"
#include "rules/policy.h"

namespace sluice::rules {

inline const PackSource& test_packs() {
  static const PackSource source{SLUICE_TEST_PACKS};
  return source;
}

// The messages of all problems, one a line; empty when there is none.
inline std::string problems_of(std::string_view yaml) {
  const auto policy = parse_policy(yaml, "p.yaml", test_packs());
  if (policy) return "";
  EXPECT_FALSE(policy.error().empty());
  return to_error(policy.error()).detail;
}

inline Policy parse_or_die(std::string_view yaml) {
  auto policy = parse_policy(yaml, "p.yaml", test_packs());
  EXPECT_TRUE(policy) << (policy ? "" : to_error(policy.error()).detail);
  return policy ? *std::move(policy) : Policy{};
}

inline constexpr std::string_view kWholePolicy = R"(services:
  - name: orders
    address: 10.77.0.2:8080
    protocol: http
    mode: enforce
    record: {class: routine, mode: required, durability: strict}
    rules: [pii/card, pii/email, local/*]
    window: 32KiB
    after_window: stream
    http: {head: 16KiB, headers: 64, pending: 8}
    allow_upgrade: true
    after_upgrade: pass
  - name: billing
    address: 10.77.0.2:8081
    protocol: http
    mode: observe
    record: best_effort
    rules: [local/drop-table, pii/email, pii/card, local/ticket]
rules:
  - name: ticket
    about: Ticket numbers
    match: 'TICKET-[0-9]{4,8}'
    ignore_case: true
    where: [response.body, request.head]
    action: mask
    mask: {keep_last: 2, on: [wire.response, record]}
  - name: drop-table
    match: 'drop table [a-z]{1,30}'
    where: request
    action: deny
  - name: seen
    match: 'colou?r'
    where: [request, response.head]
    action: observe
principals:
  - {name: ci, from: 10.77.0.64/26}
  - {name: everyone, from: 0.0.0.0/0}
retention: {routine: 90d, privileged: 365d}
)";

}  // namespace sluice::rules
