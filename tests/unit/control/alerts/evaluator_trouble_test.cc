// Burn rates, and what must not make or end an alert: gaps, restarts of either process, counts that go back, too many
// callers, changes of the rules.
#include "tests/unit/control/alerts/evaluator_fixture.h"

namespace sluice::control {
namespace {

using test::Doing;
using test::EvaluatorTest;
using test::Lines;
using test::runaway;

constexpr std::uint64_t kHour = 3600;
const std::vector<Doing> kWild = {{.principal = "ci", .requests = 500}};

// 99.9 %, an hour and five minutes, 14.4 times: two per cent of a month's budget in an hour.
AlertRule slo() {
  return {.name = "slo",
          .per = AlertPer::service,
          .measure = Measure::errors,
          .burn = BurnRate{.objective = 0.999, .slower_than = 0, .short_window = 300 * kSecond},
          .above = 14.4,
          .clear_below = 14.4 * 0.8,
          .window = kHour * kSecond,
          .hold_for = 0,
          .clear_after = 60 * kSecond,
          .at_least = 10};
}

TEST_F(EvaluatorTest, ABudgetThatBurnsFastIsRaisedSoonAndASlowOneNever) {
  use({slo()});
  EXPECT_EQ(run(2 * kHour, {{.requests = 1000, .errors = 1}}), Lines{}) << "just the budget";
  EXPECT_EQ(run(2 * kHour, {{.requests = 1000, .errors = 14}}), Lines{}) << "just below the factor";
  const std::uint64_t begin = seconds();
  const Lines raised = run(kHour, {{.requests = 1000, .errors = 100}});
  ASSERT_EQ(raised.size(), 1U);
  // 14 were there already: the short window's mean crosses at once, the long one's soon after.
  EXPECT_LT(std::stoull(raised[0]) - begin, 60U);
}

TEST_F(EvaluatorTest, TheLongWindowKeepsOutWhatIsShort) {
  use({slo()});
  run(kHour, {{.requests = 1000}});
  // A whole outage uses up a thousand times the budget: 14.4 of an hour are 52 s of it.
  EXPECT_EQ(run(45, {{.requests = 1000, .errors = 1000}}), Lines{});
  EXPECT_EQ(run(10 * 60, {{.requests = 1000}}), Lines{});
  EXPECT_EQ(run(20, {{.requests = 1000, .errors = 1000}}).size(), 1U);
}

TEST_F(EvaluatorTest, TheShortWindowEndsItWhenItGoesOnNoMore) {
  use({slo()});
  run(kHour, {{.requests = 1000}});
  ASSERT_EQ(run(120, {{.requests = 1000, .errors = 1000}}).size(), 1U);
  const std::uint64_t begin = seconds();
  const Lines over = run(kHour, {{.requests = 1000}});
  ASSERT_EQ(over.size(), 1U);
  const std::uint64_t lasted = std::stoull(over[0]) - begin;
  EXPECT_GE(lasted, 300U);
  EXPECT_LE(lasted, 375U);
}

TEST_F(EvaluatorTest, WhatWasNotSeenOfTheLongWindowIsTakenAsGood) {
  use({slo()});
  // Fifteen errors of a thousand are beyond the factor, of the little that was seen; of an hour they are not.
  EXPECT_EQ(run(600, {{.requests = 1000, .errors = 15}}), Lines{});
  EXPECT_EQ(run(kHour, {{.requests = 1000, .errors = 15}}).size(), 1U) << "in its hour they are";
}

TEST_F(EvaluatorTest, AnOutageIsSeenSoonAfterAStart) {
  use({slo()});
  const Lines raised = run(120, {{.requests = 1000, .errors = 1000}});
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_LT(std::stoull(raised[0]), 60U);
}

TEST_F(EvaluatorTest, SlowAnswersBurnABudgetToo) {
  AlertRule rule = slo();
  rule.burn->slower_than = 250 * kMillisecond;
  rule.burn->objective = 0.99;
  use({rule});
  run(kHour, {{.requests = 100, .wait = 250 * kMillisecond}});
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(run(kHour, {{.requests = 100, .wait = 300 * kMillisecond}}).size(), 1U);
}

TEST_F(EvaluatorTest, ADataPlaneThatBeginsAnewMakesAndEndsNothing) {
  use({runaway()});
  run(60, {{.requests = 60}});
  for (int i = 0; i < 10; ++i) {
    restart_data_plane();
    count({.requests = 5000});  // since its start, told by its first report
    EXPECT_EQ(run(5, {{.requests = 60}}), Lines{});
  }
  ASSERT_EQ(run(60, kWild).size(), 1U);
  restart_data_plane();
  EXPECT_EQ(run(8, kWild), Lines{}) << "it goes on";
}

TEST_F(EvaluatorTest, AGapInTheReportsMakesAndEndsNothing) {
  use({runaway()});
  run(60, {{.requests = 60}});
  // A minute of which nobody told: what came in it came at no known rate.
  count({.requests = 10'000});
  pass(60 * kSecond);
  report();
  EXPECT_EQ(run(30, {{.requests = 60}}), Lines{});
  ASSERT_EQ(run(30, kWild).size(), 1U);
  pass(3600 * kSecond);
  report();
  EXPECT_EQ(run(5, kWild), Lines{});
  // What was about to be raised begins anew.
  AlertRule slow = runaway();
  slow.hold_for = 30 * kSecond;
  use({slow});
  run(60);
  run(60);
  const std::size_t before = changes_.size();
  run(25, kWild);
  pass(30 * kSecond);
  report();
  run(20, kWild);
  EXPECT_EQ(changes_.size(), before);
}

TEST_F(EvaluatorTest, CountsThatGoBackAreNoNumber) {
  use({runaway()});
  run(60, {{.requests = 60}});
  counters_.callers[0].requests -= 500;
  EXPECT_EQ(run(60, {{.requests = 60}}), Lines{});
}

TEST_F(EvaluatorTest, TheSameReportAgainChangesNothing) {
  use({runaway()});
  run(60, {{.requests = 60}});
  for (int i = 0; i < 100; ++i) report();
  EXPECT_EQ(run(60, {{.requests = 60}}), Lines{});
}

TEST_F(EvaluatorTest, WhatIsActiveStaysOverARestartOfControlAndIsOverOnce) {
  use({runaway()});
  ASSERT_EQ(run(60, kWild).size(), 1U);
  restart_control({runaway()});
  EXPECT_EQ(run(60, kWild), Lines{}) << "not raised twice";
  restart_control({runaway()});
  EXPECT_EQ(run(5, {{.requests = 1}}), Lines{});
  restart_control({runaway()});
  EXPECT_EQ(run(120, {{.requests = 1}}).size(), 1U);
}

TEST_F(EvaluatorTest, NothingIsOverBeforeItsWindowWasSeen) {
  AlertRule rule = slo();
  rule.clear_after = 0;
  use({rule});
  run(kHour, {{.requests = 1000, .errors = 100}});
  ASSERT_EQ(changes_.size(), 1U);
  restart_control({rule});
  EXPECT_EQ(run(60, {{.requests = 1000, .errors = 100}}), Lines{});
  EXPECT_EQ(run(100), Lines{});
}

TEST_F(EvaluatorTest, ARuleThatStaysGoesOnAndOneThatIsGoneEndsWhatItRaised) {
  use({runaway()});
  ASSERT_EQ(run(60, kWild).size(), 1U);
  AlertRule other = runaway();
  other.name = "other";
  use({runaway(), other});
  EXPECT_EQ(run(4, kWild), Lines{});
  AlertRule changed = runaway();
  changed.above = 200;
  use({changed, other});
  EXPECT_EQ(run(2, kWild), Lines{}) << "what is raised stays so under the changed rule";
  changes_.clear();
  use({});
  ASSERT_FALSE(changes_.empty());
  for (const AlertChange& change : changes_) EXPECT_TRUE(change.rule_is_gone && !change.is_raised);
  EXPECT_EQ(evaluator_.series(), 0U);
}

TEST_F(EvaluatorTest, NoMoreIsFollowedThanThereIsRoomForAndThatIsCounted) {
  std::vector<AlertRule> rules;
  for (int i = 0; i < 10; ++i) {
    rules.push_back(runaway());
    rules.back().name += std::to_string(i);
  }
  use(rules);
  std::vector<Doing> many;
  for (int i = 0; i < 1000; ++i) many.push_back({.principal = "p" + std::to_string(i), .requests = 1});
  run(3, many);
  EXPECT_EQ(evaluator_.series(), AlertEvaluator::kMaxSeries);
  EXPECT_GT(evaluator_.untracked(), 0U);
  run(60);
  EXPECT_EQ(evaluator_.series(), 0U) << "who is quiet makes room";
}

// Whatever names callers make up, from one source or from many: others are watched.
TEST_F(EvaluatorTest, NamesThatAreMadeUpLeaveRoomForOthers) {
  std::vector<AlertRule> rules;
  for (int i = 0; i < 10; ++i) {
    rules.push_back(runaway());
    rules.back().name += std::to_string(i);
  }
  use(rules);
  const auto names = [](std::uint64_t sources) {
    std::vector<Doing> out;
    for (std::uint64_t i = 0; i < 1000; ++i)
      out.push_back({.principal = "p" + std::to_string(i), .requests = 1, .source = 7 + i % sources});
    return out;
  };
  run(3, names(1));
  EXPECT_EQ(evaluator_.series(), AlertEvaluator::kMaxSeriesOfSource);
  EXPECT_GT(evaluator_.untracked(), 0U);
  std::vector<Doing> more = names(100);
  run(3, more);
  EXPECT_EQ(evaluator_.series(), AlertEvaluator::kMaxGivenSeries);
  more.push_back({.principal = "ci", .requests = 500});
  EXPECT_EQ(run(8, more).size(), 10U) << "one that the policy knows is watched by every rule";
  run(60);
  EXPECT_EQ(evaluator_.series(), 0U);
}

}  // namespace
}  // namespace sluice::control
