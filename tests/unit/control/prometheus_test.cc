// What Prometheus reads.
#include "control/telemetry/prometheus.h"

#include <gtest/gtest.h>

#include "tests/support/occurrences.h"

namespace sluice::control {
namespace {

ChannelStatus with(Counters counters) {
  ChannelStatus status;
  status.counters = std::move(counters);
  return status;
}

bool holds_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::size_t count_lines(const std::string& text, const std::string& start) {
  return sluice::test::occurrences(text, "\n" + start);
}

TEST(Prometheus, WithoutADataPlaneItSaysSo) {
  EXPECT_TRUE(holds_line(prometheus_text({}), "sluice_data_plane_up 0"));
}

TEST(Prometheus, AlertsAreToldByTheirRule) {
  const std::string text =
      prometheus_text({}, {.active = {{"runaway", 2}, {"slow", 0}}, .untracked = 3, .unpaused = 2});
  EXPECT_TRUE(holds_line(text, "sluice_alerts_active{alert=\"runaway\"} 2")) << text;
  EXPECT_TRUE(holds_line(text, "sluice_alerts_active{alert=\"slow\"} 0"));
  EXPECT_TRUE(holds_line(text, "sluice_alerts_untracked_total 3"));
  EXPECT_TRUE(holds_line(text, "sluice_alerts_unpaused_total 2"));
}

TEST(Prometheus, ACallersWaitsAreAHistogram) {
  Counters counters;
  CallerCount& row = counters.callers.emplace_back();
  row.service = "web";
  row.principal = "ci";
  row.requests = 5;
  row.waits[0] = 2;  // up to 0.1 ms
  row.waits[2] = 1;
  row.waits.back() = 1;
  row.waited_ns = 61'500'000'000;
  const std::string text = prometheus_text(with(counters));
  const std::string labels = "{service=\"web\",principal=\"ci\"";
  EXPECT_TRUE(holds_line(text, "sluice_requests_total" + labels + "} 5")) << text;
  const std::string name = "sluice_request_duration_seconds";
  EXPECT_TRUE(holds_line(text, name + "_bucket" + labels + ",le=\"0.0001\"} 2")) << text;
  EXPECT_TRUE(holds_line(text, name + "_bucket" + labels + ",le=\"0.00025\"} 2"));
  EXPECT_TRUE(holds_line(text, name + "_bucket" + labels + ",le=\"0.0005\"} 3"));
  EXPECT_TRUE(holds_line(text, name + "_bucket" + labels + ",le=\"30\"} 3"));
  EXPECT_TRUE(holds_line(text, name + "_bucket" + labels + ",le=\"+Inf\"} 4"));
  EXPECT_TRUE(holds_line(text, name + "_sum" + labels + "} 61.5"));
  EXPECT_TRUE(holds_line(text, name + "_count" + labels + "} 4"));
}

TEST(Prometheus, AGivenNameSaysFromWhere) {
  Counters counters;
  counters.callers = {{.service = "web", .principal = "ci", .requests = 5},
                      {.service = "web", .principal = "ci", .source = IpAddress(0x0a000009).source(), .requests = 7}};
  const std::string text = prometheus_text(with(counters));
  EXPECT_TRUE(holds_line(text, "sluice_requests_total{service=\"web\",principal=\"ci\"} 5")) << text;
  EXPECT_TRUE(holds_line(text, "sluice_requests_total{service=\"web\",principal=\"ci\",source=\"10.0.0.9\"} 7"));
  EXPECT_TRUE(holds_line(text,
                         "sluice_request_duration_seconds_count{service=\"web\",principal=\"ci\","
                         "source=\"10.0.0.9\"} 0"));
}

TEST(Prometheus, NamesThatCallersMakeUpBreakNothing) {
  Counters counters;
  counters.callers.emplace_back().principal =
      "a\"b\\c\nd\xff"
      "e\xc3";  // no UTF-8 at two places
  const std::string text = prometheus_text(with(counters));
  EXPECT_NE(text.find("principal=\"a\\\"b\\\\c\\nd\xef\xbf\xbd"
                      "e\xef\xbf\xbd\"} 0"),
            std::string::npos)
      << text;
}

TEST(Prometheus, RulesAndLimitsBeyondTheBoundAreAddedUp) {
  Counters counters;
  for (int i = 0; i < 1500; ++i) {
    counters.rules.push_back({"rule-" + std::to_string(i), 2});
    counters.limits.push_back({"web/limit-" + std::to_string(i), 1, 2, 3, 4, 5});
  }
  const std::string text = prometheus_text(with(counters));
  EXPECT_EQ(count_lines(text, "sluice_rule_matches_total{"), kMostSeries + 1);
  EXPECT_TRUE(holds_line(text, "sluice_rule_matches_total{rule=\"(others)\"} 1000"));
  EXPECT_TRUE(holds_line(text, "sluice_limit_units_total{limit=\"(others)\",outcome=\"denied\"} 1000"));
  EXPECT_EQ(count_lines(text, "sluice_limit_units_total{"), 5 * (kMostSeries + 1));
}

TEST(Prometheus, APortIsALabel) {
  Counters counters;
  counters.ports = {{"client/rx_frames", 12}};
  EXPECT_TRUE(
      holds_line(prometheus_text(with(counters)), "sluice_port_total{port=\"client\",counter=\"rx_frames\"} 12"));
}

}  // namespace
}  // namespace sluice::control
