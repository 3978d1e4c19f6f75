// Thresholds with hysteresis: when an alert begins and when it is over.
#include "control/alerts/evaluator.h"

#include "tests/unit/control/alerts/evaluator_fixture.h"

namespace sluice::control {
namespace {

using test::Doing;
using test::EvaluatorTest;
using test::Lines;
using test::runaway;

const std::vector<Doing> kCalm = {{.principal = "ci", .requests = 10}, {.principal = "shop", .requests = 50}};
const std::vector<Doing> kWild = {{.principal = "ci", .requests = 500}, {.principal = "shop", .requests = 50}};

TEST_F(EvaluatorTest, ARunawayIsRaisedByNameAfterItsTimeAndOnce) {
  use({runaway()});
  EXPECT_EQ(run(60, kCalm), Lines{});
  const Lines raised = run(60, kWild);
  ASSERT_EQ(raised.size(), 1U);
  // Beyond 100/s as a mean of 10 s after 2 or 3 s, and then for 5.
  EXPECT_TRUE(raised[0] == "67 raised runaway ci at orders" || raised[0] == "68 raised runaway ci at orders")
      << raised[0];
  EXPECT_EQ(changes_.back().principals, std::vector<std::string>{"ci"});
  EXPECT_GT(changes_.back().value, 100);
}

TEST_F(EvaluatorTest, ItIsOverOnlyWhenItStaysBelow) {
  use({runaway()});
  run(60, kWild);
  EXPECT_EQ(run(60, {{.requests = 90}}), Lines{}) << "between both lines nothing changes";
  const Lines over = run(60, {{.requests = 70}});
  ASSERT_EQ(over.size(), 1U);
  EXPECT_TRUE(over[0].ends_with(" over runaway ci at orders"));
  EXPECT_EQ(run(60, {{.requests = 90}}), Lines{}) << "nor is it raised again there";
}

TEST_F(EvaluatorTest, ABurstThatIsOverSoonIsNone) {
  use({runaway()});
  run(30, kCalm);
  EXPECT_EQ(run(1, {{.requests = 600}}), Lines{});
  AlertRule quick = runaway();
  quick.hold_for = 30 * kSecond;
  use({quick});
  EXPECT_EQ(run(15, kWild), Lines{});
  EXPECT_EQ(run(60, kCalm), Lines{});
}

TEST_F(EvaluatorTest, WhatFlapsIsOneAlert) {
  AlertRule rule = runaway();
  rule.window = 5 * kSecond;
  use({rule});
  Lines all;
  for (int i = 0; i < 20; ++i) {
    for (const std::string& line : run(12, {{.requests = 200}})) all.push_back(line);
    for (const std::string& line : run(8, {{.requests = 10}})) all.push_back(line);
  }
  EXPECT_EQ(all.size(), 1U);
}

TEST_F(EvaluatorTest, WhoCallsNoMoreIsBelow) {
  use({runaway()});
  run(60, kWild);
  EXPECT_EQ(run(60).size(), 1U);
  EXPECT_EQ(evaluator_.series(), 0U) << "nobody is followed for nothing";
}

TEST_F(EvaluatorTest, ARowThatIsNewBeganAtNothing) {
  AlertRule rule = runaway();
  rule.hold_for = 0;
  use({rule});
  run(30, kCalm);
  count({.principal = "newcomer", .requests = 2000});
  EXPECT_EQ(run(1).size(), 1U);
}

TEST_F(EvaluatorTest, WhatWasCountedBeforeIsNotNew) {
  use({runaway()});
  count({.requests = 1'000'000});
  EXPECT_EQ(run(60, kCalm), Lines{});
  // Nor are rows that only a rule of another kind looks at.
  count({.requests = 1'000'000});
  run(60, kCalm);
  AlertRule of_service = runaway();
  of_service.name = "busy";
  of_service.per = AlertPer::service;
  of_service.hold_for = 0;
  use({runaway(), of_service});
  EXPECT_EQ(run(60, kCalm), Lines{});
}

TEST_F(EvaluatorTest, AServiceNamesWhoHasMostOfIt) {
  AlertRule rule = runaway();
  rule.per = AlertPer::service;
  rule.measure = Measure::errors;
  rule.above = 0.2;
  rule.clear_below = 0.1;
  rule.at_least = 10;
  use({rule});
  const Lines raised = run(30, {{.principal = "shop", .requests = 100, .errors = 1},
                                {.principal = "ci", .requests = 50, .errors = 40},
                                {.principal = "ci", .requests = 90, .errors = 90, .service = "other"}});
  EXPECT_EQ(raised.size(), 2U);
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(describe(changes_[0].key), "other");  // all of it: it is sure sooner
  EXPECT_EQ(changes_[0].principals, (std::vector<std::string>{"ci"}));
  EXPECT_EQ(changes_[1].principals, (std::vector<std::string>{"ci", "shop"}));
}

TEST_F(EvaluatorTest, AShareOfFewRequestsMeansNothing) {
  AlertRule rule = runaway();
  rule.measure = Measure::errors;
  rule.above = 0.5;
  rule.clear_below = 0.4;
  rule.at_least = 50;
  use({rule});
  EXPECT_EQ(run(60, {{.requests = 4, .errors = 4}}), Lines{});
  EXPECT_EQ(run(60, {{.requests = 6, .errors = 6}}).size(), 1U);
}

TEST_F(EvaluatorTest, SlowAnswersAreSeen) {
  AlertRule rule = runaway();
  rule.measure = Measure::latency_p99;
  rule.above = 0.1;
  rule.clear_below = 0.08;
  rule.at_least = 10;
  use({rule});
  EXPECT_EQ(run(60, {{.requests = 50, .wait = 40 * kMillisecond}}), Lines{});
  EXPECT_EQ(run(60, {{.requests = 50, .wait = 40 * kMillisecond}, {.requests = 2, .wait = 900 * kMillisecond}}).size(),
            1U);
  EXPECT_GT(changes_.back().value, 0.1);
  EXPECT_EQ(run(60, {{.requests = 50, .wait = 40 * kMillisecond}}).size(), 1U);
}

TEST_F(EvaluatorTest, WhatIsHeldAndWhatTheRecorderSaysAreSeenAsTheyAre) {
  AlertRule held = runaway();
  held.name = "held";
  held.measure = Measure::held;
  held.above = 2;
  held.clear_below = 2;
  AlertRule failed = held;
  failed.name = "archive";
  failed.per = AlertPer::appliance;
  failed.measure = Measure::archive_failed;
  failed.above = failed.clear_below = 0;
  AlertRule stalls = failed;
  stalls.name = "stalls";
  stalls.measure = Measure::record_stalls;
  AlertRule gaps = failed;
  gaps.name = "gaps";
  gaps.measure = Measure::record_gaps;
  AlertRule event = failed;
  event.name = "memory";
  event.measure = Measure::events;
  event.event = "tcp_memory_short";
  use({held, failed, stalls, gaps, event});
  EXPECT_TRUE(evaluator_.needs_held());
  EXPECT_EQ(run(30), Lines{});
  held_ = {{.service = "orders", .principal = "ci", .open = 3}};
  EXPECT_EQ(run(6), Lines{"36 raised held ci at orders"});
  held_ = {{.service = "orders", .principal = "ci", .open = 2}};
  EXPECT_EQ(run(11), Lines{"47 over held ci at orders"});
  counters_.archive_error = "no space left";
  counters_.record_stalls = 7;
  counters_.drops = {{"record_gap", 3}, {"tcp_memory_short", 5}};
  Lines raised = run(8);
  for (std::string& line : raised) line.erase(0, line.find(' ') + 1);
  std::ranges::sort(raised);
  EXPECT_EQ(raised, (Lines{"raised archive the appliance", "raised gaps the appliance",
                           "raised memory event tcp_memory_short", "raised stalls the appliance"}));
}

// Half of it each, from two addresses: nobody runs wild, whatever they call themselves.
TEST_F(EvaluatorTest, AGivenNameIsSomebodyOnlyWhereItComesFrom) {
  use({runaway()});
  const std::uint64_t here = IpAddress(0x0a000009).source();
  const std::uint64_t there = IpAddress(0x2001'0db8'0000'0000, 7).source();
  const Doing some{.principal = "alice", .requests = 90, .source = here};
  EXPECT_EQ(run(30, {some, {.principal = "alice", .requests = 90, .source = there}, {.principal = "alice"}}), Lines{});
  EXPECT_EQ(run(10, {some, {.principal = "alice", .requests = 900, .source = there}}),
            Lines{"36 raised runaway alice from 2001:db8::/64 at orders"});
  EXPECT_EQ(changes_.back().key.source, there);
  EXPECT_EQ(changes_.back().principals, Lines{"alice"});
}

TEST_F(EvaluatorTest, RefusalsOfALimitAreItsOwn) {
  AlertRule rule = runaway();
  rule.per = AlertPer::limit;
  rule.measure = Measure::refused;
  rule.service = "orders";
  rule.above = 1;
  rule.clear_below = 0.5;
  use({rule});
  Lines all;
  for (int i = 0; i < 30; ++i) {
    counters_.limits = {{.limit = "orders/rate", .denied = 5U * i, .held = 1U * i},
                        {.limit = "other/rate", .denied = 50U * i},
                        {.limit = "orders/calm", .passed = 100U * i}};
    for (const std::string& line : run(1)) all.push_back(line);
  }
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].ends_with("raised runaway limit orders/rate"));
}

}  // namespace
}  // namespace sluice::control
