// The key `hold` of a service, from YAML to the policy and in words when it is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/policy.h"
#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

std::string service_with(const std::string& hold) {
  return "services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce, hold: " + hold + "}]";
}

TEST(HoldReader, ReadsWhatIsWritten) {
  const auto policy = parse_policy(
      service_with("{timeout: 8h, on_timeout: pass, body: 64KiB, approvers: {groups: [dba, ops], minimum: 2}}"),
      "p.yaml", PackSource());
  ASSERT_TRUE(policy);
  const HoldTerms& hold = policy->services.at(0).hold;
  EXPECT_EQ(hold.timeout_ns, 8ULL * 3600 * 1'000'000'000);
  EXPECT_TRUE(hold.pass_on_timeout);
  EXPECT_EQ(hold.body_bytes, 65536U);
  EXPECT_EQ(hold.approvers.groups, (std::vector<std::string>{"dba", "ops"}));
  EXPECT_EQ(hold.approvers.minimum, 2U);
  EXPECT_FALSE(hold.ticket);
  const auto ticket = parse_policy(service_with("{ticket: true}"), "p.yaml", PackSource());
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(ticket->services.at(0).hold.ticket);
}

TEST(HoldReader, WithoutItADecisionIsAwaitedForAQuarterOfAnHourAndThenDenied) {
  const auto policy = parse_policy("services: [{name: a, address: 10.0.0.1:80, protocol: http, mode: enforce}]",
                                   "p.yaml", PackSource());
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->services.at(0).hold.timeout_ns, 900ULL * 1'000'000'000);
  EXPECT_FALSE(policy->services.at(0).hold.pass_on_timeout);
}

TEST(HoldReader, SaysWhatIsWrong) {
  for (const char* time : {"0s", "25h", "15", "m", "15min", "-1s", "99999999999h", "5124096h"})
    EXPECT_THAT(problems_of(service_with("{timeout: " + std::string(time) + "}")),
                HasSubstr("is no time to wait for a decision; 1s to 24h, for example 15m"))
        << time;
  EXPECT_THAT(problems_of(service_with("{ticket: true, on_timeout: pass}")),
              HasSubstr("a ticket that passes on its timeout"));
  EXPECT_THAT(problems_of(service_with("{ticket: maybe}")), HasSubstr("p.yaml:1:"));
  EXPECT_THAT(problems_of(service_with("{on_timeout: allow}")), HasSubstr("one of deny, pass"));
  EXPECT_THAT(problems_of(service_with("{body: 2MiB}")), HasSubstr("p.yaml:1:"));
  EXPECT_THAT(problems_of(service_with("{approvers: {groups: [dba, dba]}}")),
              HasSubstr("group \"dba\" is given twice"));
  EXPECT_THAT(problems_of(service_with("{approvers: {minimum: 0}}")), HasSubstr("p.yaml:1:"));
}

}  // namespace
}  // namespace sluice::rules
