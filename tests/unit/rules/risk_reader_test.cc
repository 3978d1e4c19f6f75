// The key `risk` of a service and `score` of a rule, from YAML to the policy and in words when they are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/policy.h"
#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

std::string service_with(const std::string& risk, const std::string& protocol = "http") {
  return "services: [{name: a, address: 10.0.0.1:80, protocol: " + protocol + ", mode: enforce, risk: " + risk + "}]";
}

std::string lines(const std::string& text) {
  return service_with("{lines: [" + text + "]}");
}

std::string behaviour(const std::string& text) {
  return service_with("{lines: [{above: 1, then: deny}], behaviour: {" + text + "}}");
}

TEST(RiskReader, ReadsWhatIsWritten) {
  const auto policy = parse_policy(
      service_with("{lines: [{above: 50, then: observe}, {above: 60, then: throttle, rate: 10/s, burst: 3},"
                   " {above: 100, then: hold}, {above: 200, then: deny}],"
                   " behaviour: {interval: 30s, requests: {above: 100, times: 5, score: 40},"
                   " bytes: {above: 10MiB, times: 4, score: 20}, pieces: {above: 50, of: 4KiB, score: 41},"
                   " errors: {above: 10, percent: 50, score: 21}, bytes_out: {above: 1GiB, score: 22},"
                   " new_source: {for: 2h, score: 15}}}"),
      "p.yaml", PackSource());
  ASSERT_TRUE(policy);
  const Risk& risk = *policy->services.at(0).risk;
  ASSERT_EQ(risk.lines.size(), 4U);
  EXPECT_EQ(risk.lines[1].above, 60U);
  EXPECT_EQ(risk.lines[1].then, LimitThen::throttle);
  EXPECT_EQ(risk.lines[1].pace.units, 10U);
  EXPECT_EQ(risk.lines[1].pace.burst, 3U);
  EXPECT_EQ(risk.lines[3].then, LimitThen::deny);
  EXPECT_EQ(risk.interval_ns, 30ULL * 1'000'000'000);
  ASSERT_EQ(risk.behaviours.size(), 6U);
  const auto is = [&](std::size_t i, std::uint32_t score, std::uint64_t above, std::uint64_t factor) {
    EXPECT_EQ(static_cast<std::size_t>(risk.behaviours[i].kind), i);
    EXPECT_EQ(risk.behaviours[i].score, score);
    EXPECT_EQ(risk.behaviours[i].above, above);
    EXPECT_EQ(risk.behaviours[i].factor, factor);
  };
  is(0, 40, 100, 5);
  is(1, 20, 10U << 20U, 4);
  is(2, 41, 50, 4096);
  is(3, 21, 10, 50);
  is(4, 22, 1U << 30U, 0);
  is(5, 15, 0, 7200ULL * 1'000'000'000);
}

TEST(RiskReader, ARuleWithAScoreNeedsNoAction) {
  const auto policy = parse_policy(lines("{above: 1, then: deny}") +
                                       "\nrules: [{name: x, match: abc, where: [request], score: 30},"
                                       " {name: y, match: abd, where: [request], score: 30, action: deny}]",
                                   "p.yaml", PackSource());
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->rules.at(0).score, 30U);
  EXPECT_EQ(policy->rules.at(0).action, Action::observe);
  EXPECT_FALSE(policy->rules.at(0).mask_record);
  EXPECT_EQ(policy->rules.at(1).action, Action::deny);
}

TEST(RiskReader, SaysWhatIsWrong) {
  EXPECT_THAT(problems_of(service_with("{}")), HasSubstr("\"lines\""));
  EXPECT_THAT(problems_of(lines("")), HasSubstr("no line"));
  EXPECT_THAT(problems_of(lines("{above: 0, then: deny}")), HasSubstr("p.yaml:1:"));
  EXPECT_THAT(problems_of(lines("{above: 50, then: hold}, {above: 50, then: deny}")),
              HasSubstr("a line above 50 behind one above 50; from the lowest to the highest"));
  EXPECT_THAT(problems_of(lines("{above: 50, then: deny}, {above: 60, then: hold}")),
              HasSubstr("a line that does no more than the one below it"));
  EXPECT_THAT(problems_of(lines("{above: 50, then: hold}, {above: 60, then: hold}")), HasSubstr("does no more"));
  EXPECT_THAT(problems_of(lines("{above: 50, then: throttle}")), HasSubstr("\"rate\""));
  EXPECT_THAT(problems_of(lines("{above: 50, then: hold, rate: 1/s}")), HasSubstr("on a line that does not throttle"));
  EXPECT_THAT(problems_of(lines("{above: 50, then: mask}")), HasSubstr("one of observe, throttle, hold, deny"));
  EXPECT_THAT(problems_of(behaviour("interval: 2h")), HasSubstr("1s to 1h, for example 1m"));
  EXPECT_THAT(problems_of(behaviour("requests: {above: 5, score: 1}")), HasSubstr("\"times\""));
  EXPECT_THAT(problems_of(behaviour("requests: {above: many, times: 5, score: 1}")), HasSubstr("is no number"));
  EXPECT_THAT(problems_of(behaviour("bytes: {above: 5, times: 5, score: 1}")), HasSubstr("is no size"));
  EXPECT_THAT(problems_of(behaviour("errors: {above: 5, percent: 101, score: 1}")), HasSubstr("p.yaml:1:"));
  EXPECT_THAT(problems_of(behaviour("new_source: {above: 5, score: 1}")), HasSubstr("unknown key \"above\""));
  EXPECT_THAT(problems_of(service_with("{lines: [{above: 1, then: deny}]}", "tcp")),
              HasSubstr("\"risk\" on a service of protocol tcp"));
  const std::string rule = "services: []\nrules: [{name: x, match: abc, where: [response], score: 30}]";
  EXPECT_THAT(problems_of(rule), HasSubstr("score is for requests"));
  EXPECT_THAT(problems_of("rules: [{name: x, match: abc, where: [request], score: 0}]"), HasSubstr("p.yaml:1:"));
}

}  // namespace
}  // namespace sluice::rules
