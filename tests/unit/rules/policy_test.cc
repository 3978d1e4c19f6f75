// A whole policy is read as it is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Rule& rule_of(const Policy& policy, std::string_view name) {
  for (const Rule& rule : policy.rules)
    if (rule.name == name) return rule;
  ADD_FAILURE() << name;
  return policy.rules.front();
}

TEST(Policy, services_are_read) {
  const Policy policy = parse_or_die(kWholePolicy);
  ASSERT_EQ(policy.services.size(), 2U);
  const Service& orders = policy.services[0];
  EXPECT_EQ(orders.name, "orders");
  EXPECT_EQ(orders.address, 0x0a4d0002U);
  EXPECT_EQ(orders.port, 8080);
  EXPECT_EQ(orders.mode, Mode::enforce);
  EXPECT_EQ(orders.record, RecordMode::required);
  EXPECT_EQ(orders.durability, Durability::strict);
  EXPECT_EQ(orders.window_bytes, 32U * 1024);
  EXPECT_EQ(orders.after_window, AfterWindow::stream);
  EXPECT_EQ(orders.head_limit_bytes, 16U * 1024);
  EXPECT_EQ(orders.header_limit, 64);
  EXPECT_EQ(orders.pending_limit, 8);
  EXPECT_TRUE(orders.allow_upgrade);
  EXPECT_EQ(orders.after_upgrade, AfterUpgrade::pass);
  const Service& billing = policy.services[1];
  EXPECT_EQ(billing.mode, Mode::observe);
  EXPECT_EQ(billing.record, RecordMode::best_effort);
  EXPECT_EQ(billing.record_class, "routine");
  EXPECT_EQ(billing.window_bytes, 64U * 1024);
  EXPECT_EQ(billing.after_window, AfterWindow::deny);
  EXPECT_FALSE(billing.allow_upgrade);
}

TEST(Policy, rules_of_packs_follow_the_own_ones_and_only_those_asked_for) {
  const Policy policy = parse_or_die(kWholePolicy);
  std::vector<std::string> names;
  for (const Rule& rule : policy.rules) names.push_back(rule.name);
  EXPECT_THAT(names, ElementsAre("local/ticket", "local/drop-table", "local/seen", "pii/card", "pii/email"));
  EXPECT_THAT(policy.services[0].rules, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(policy.services[1].rules, ElementsAre(0, 1, 3, 4));
}

TEST(Policy, a_service_may_name_rules_by_how_they_begin) {
  const Policy policy = parse_or_die(
      "services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, rules: [secrets/gi*, pii/e*]}]");
  std::vector<std::string> names;
  for (const Rule& rule : policy.rules) names.push_back(rule.name);
  EXPECT_THAT(names, ElementsAre("secrets/github-token", "secrets/gitlab-token", "pii/email"));
}

TEST(Policy, a_rule_says_where_and_what) {
  const Policy policy = parse_or_die(kWholePolicy);
  const Rule& ticket = rule_of(policy, "local/ticket");
  EXPECT_THAT(ticket.where, ElementsAre(true, false, false, true));
  EXPECT_THAT(ticket.mask_wire, ElementsAre(false, true));
  EXPECT_TRUE(ticket.mask_record);
  EXPECT_TRUE(ticket.caseless);
  EXPECT_EQ(ticket.keep_last, 2);
  EXPECT_EQ(ticket.min_width, 11U);
  EXPECT_EQ(ticket.max_width, 15U);
  const Rule& denied = rule_of(policy, "local/drop-table");
  EXPECT_THAT(denied.where, ElementsAre(true, true, false, false));
  EXPECT_THAT(denied.mask_wire, ElementsAre(false, false));
  EXPECT_TRUE(denied.mask_record) << "what is denied is not kept in clear";
  const Rule& seen = rule_of(policy, "local/seen");
  EXPECT_THAT(seen.where, ElementsAre(true, true, true, false));
  EXPECT_FALSE(seen.mask_record);
  EXPECT_EQ(rule_of(policy, "pii/card").validator, Validator::luhn);
}

TEST(Policy, a_mask_without_places_is_on_the_wire_wherever_the_rule_looks_and_in_the_record) {
  const Policy policy = parse_or_die(
      "services: [{name: a, address: 10.0.0.1:1, protocol: http, mode: enforce}]\n"
      "rules: [{name: r, match: abc, where: [response], action: mask}]\n");
  EXPECT_THAT(policy.rules[0].mask_wire, ElementsAre(false, true));
  EXPECT_TRUE(policy.rules[0].mask_record);
}

TEST(Policy, principals_and_retention_are_read) {
  const Policy policy = parse_or_die(kWholePolicy);
  ASSERT_EQ(policy.principals.size(), 2U);
  EXPECT_EQ(policy.principals[0].name, "ci");
  EXPECT_EQ(policy.principals[0].network, 0x0a4d0040U);
  EXPECT_EQ(policy.principals[0].prefix_bits, 26);
  EXPECT_EQ(policy.principals[1].prefix_bits, 0);
  ASSERT_EQ(policy.retention.size(), 2U);
  EXPECT_EQ(policy.retention[0].record_class, "routine");
  EXPECT_EQ(policy.retention[0].days, 90U);
}

TEST(Policy, keeps_the_digest_of_its_source) {
  std::array<std::uint8_t, 32> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(kWholePolicy.data()), kWholePolicy.size(), digest.data());
  EXPECT_EQ(parse_or_die(kWholePolicy).source_sha256, digest);
}

TEST(Policy, is_summed_up_for_people) {
  const std::string text = describe(parse_or_die(kWholePolicy));
  EXPECT_THAT(text, HasSubstr("service orders  10.77.0.2:8080  http  enforce"));
  EXPECT_THAT(text, HasSubstr("record required, class routine, durability strict"));
  EXPECT_THAT(text, HasSubstr("request body   local/drop-table, local/seen, pii/card, pii/email"));
  EXPECT_THAT(text,
              HasSubstr("mask, masked on wire of responses, record but for the last 4, luhn checked, 13-34 bytes"));
  EXPECT_THAT(text, HasSubstr("ci                       10.77.0.64/26"));
  EXPECT_THAT(text, HasSubstr("privileged               365 days"));
}

}  // namespace
}  // namespace sluice::rules
