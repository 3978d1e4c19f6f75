// An alerts file: what it says, and what is said of what is wrong with it.
#include "control/alerts/rule_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/support/temp_dir.h"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kWhole = R"(
sinks:
  - name: chat
    webhook: {url: 'https://chat.example:8443/hook', secret_file: /etc/sluice/chat.secret, template: chat}
  - name: log
    syslog: {facility: local3}
  - name: pager
    command: [/usr/local/bin/page, --team, db]
    timeout: 5s
alerts:
  - name: runaway
    summary: a caller runs wild
    severity: critical
    per: principal
    service: orders
    measure: requests
    above: 12000/m
    for: 20s
    clear_below: 100/s
    clear_after: 2m
    window: 15s
    pause: 15m
    tell: [chat, pager]
  - name: slo
    per: service
    burn: {objective: 99.9%, long: 6h, factor: 6}
  - {name: slow, per: service, measure: latency_p99, above: 250ms}
  - {name: much, per: principal, measure: bytes_out, above: 1.5MiB/s}
  - {name: disk, per: appliance, measure: archive_failed, for: 0s, tell: []}
  - {name: short, per: appliance, measure: events, event: tcp_memory_short, above: 1/s}
)";

AlertFile read(const std::string& text) {
  auto file = parse_alerts(text, "alerts.yaml");
  EXPECT_TRUE(file) << rules::to_error(file ? rules::Problems() : file.error()).detail;
  return file.value_or(AlertFile{});
}

// The first problem of a file with this one rule.
std::string wrong(const std::string& rule) {
  const auto file = parse_alerts("alerts:\n  - " + rule + "\n", "alerts.yaml");
  return file ? "nothing is wrong" : file.error().front().message();
}

TEST(AlertFile, IsReadWhole) {
  const AlertFile file = read(kWhole);
  ASSERT_EQ(file.sinks.size(), 3U);
  const auto& webhook = std::get<WebhookSink>(file.sinks[0].to);
  EXPECT_EQ(webhook.url, "https://chat.example:8443/hook");
  EXPECT_TRUE(webhook.is_chat);
  EXPECT_EQ(std::get<SyslogSink>(file.sinks[1].to).facility, 19U);
  EXPECT_THAT(std::get<CommandSink>(file.sinks[2].to).argv, ElementsAre("/usr/local/bin/page", "--team", "db"));
  EXPECT_EQ(std::get<CommandSink>(file.sinks[2].to).timeout, 5 * kSecond);
  ASSERT_EQ(file.rules.size(), 6U);
  const AlertRule& runaway = file.rules[0];
  EXPECT_EQ(runaway.per, AlertPer::principal);
  EXPECT_EQ(runaway.severity, AlertSeverity::critical);
  EXPECT_DOUBLE_EQ(runaway.above, 200);
  EXPECT_DOUBLE_EQ(runaway.clear_below, 100);
  EXPECT_EQ(runaway.hold_for, 20 * kSecond);
  EXPECT_EQ(runaway.clear_after, 120 * kSecond);
  EXPECT_EQ(runaway.window, 15 * kSecond);
  EXPECT_EQ(runaway.pause_for, 900 * kSecond);
  EXPECT_THAT(runaway.tell, ElementsAre("chat", "pager"));
  const AlertRule& slo = file.rules[1];
  ASSERT_TRUE(slo.burn);
  EXPECT_DOUBLE_EQ(slo.burn->objective, 0.999);
  EXPECT_EQ(slo.window, 6 * 3600 * kSecond);
  EXPECT_EQ(slo.burn->short_window, 1800 * kSecond) << "a twelfth";
  EXPECT_DOUBLE_EQ(slo.above, 6);
  EXPECT_DOUBLE_EQ(slo.clear_below, 4.8);
  EXPECT_EQ(slo.hold_for, 0U);
  EXPECT_THAT(slo.tell, ElementsAre("chat", "log", "pager")) << "all, where nothing is said";
  EXPECT_DOUBLE_EQ(file.rules[2].above, 0.25);
  EXPECT_EQ(file.rules[2].at_least, 10U);
  EXPECT_DOUBLE_EQ(file.rules[3].above, 1.5 * 1024 * 1024);
  EXPECT_TRUE(file.rules[4].tell.empty());
  EXPECT_EQ(file.rules[5].event, "tcp_memory_short");
}

TEST(AlertFile, WhatIsWrongIsSaidWithItsPlaceAndWhatWouldBeRight) {
  EXPECT_EQ(wrong("{name: a, per: principal, measure: request, above: 1/s}"),
            "alerts.yaml:2:40: \"request\" is not known here; did you mean \"requests\"?");
  EXPECT_EQ(
      wrong("{name: a, per: principal, measure: requests, above: 200}"),
      "alerts.yaml:2:57: \"200\" is no number for this measure; for example 200/s, or per minute (/m) or hour (/h)");
  EXPECT_EQ(wrong("{name: a, per: service, measure: errors, above: 5}"),
            "alerts.yaml:2:53: \"5\" is no number for this measure; for example 5%, of the requests");
  EXPECT_EQ(
      wrong("{name: a, per: service, measure: requests, above: 1/s, colour: red}"),
      "alerts.yaml:2:60: unknown key \"colour\" in an alert; one of name, summary, severity, measure, burn, above, "
      "window, event, per, service, for, clear_after, clear_below, at_least, pause, tell");
  EXPECT_EQ(wrong("{name: a, per: service, measure: refused, above: 1/s}"),
            "alerts.yaml:2:20: refused is not counted per service; per: limit");
  EXPECT_EQ(wrong("{name: a, per: service, measure: requests, above: 1/s, pause: 5m}"),
            "alerts.yaml:2:60: only a principal can be paused by an alert; per: principal, or remove pause");
  EXPECT_EQ(wrong("{name: a, per: principal, measure: requests, above: 1/s, pause: 5s}"),
            "alerts.yaml:2:69: \"5s\" is no time that fits here; from 1m to 30d, with ms, s, m, h or d");
  EXPECT_EQ(wrong("{name: a, per: service, measure: requests, above: 1/s, clear_below: 2/s}"),
            "alerts.yaml:2:73: it would be over before it begins; clear_below is at most what it is raised above");
  EXPECT_EQ(wrong("{name: a, per: service, measure: requests, above: 1/s, tell: [chat]}"),
            "alerts.yaml:2:67: no sink has the name \"chat\"; add it to sinks");
  EXPECT_EQ(wrong("{name: a, per: service}"),
            "alerts.yaml:2:5: an alert needs a measure or a burn rate; either measure and above, or burn");
  EXPECT_EQ(wrong("{name: a, per: service, burn: {objective: 100%, factor: 2}}"),
            "alerts.yaml:2:47: \"100%\" is no objective to keep; 50% to 99.999%");
  EXPECT_THAT(wrong("{name: a, per: service, burn: {objective: 99%, factor: 2, slower_than: 300ms}}"),
              HasSubstr("answers are not counted by 300ms; one of "));
  EXPECT_THAT(wrong("{name: a, per: service, burn: {objective: 99%, factor: 2}, above: 3}"),
              HasSubstr("\"above\" beside burn"));
  for (const char* bad :
       {"{name: a, per: service, measure: requests}", "{per: service, measure: requests, above: 1/s}",
        "{name: a, measure: requests, above: 1/s}", "7", "{name: a, per: service, measure: requests, above: -1/s}",
        "{name: a, per: service, measure: requests, above: nan/s}",
        "{name: a, per: service, measure: requests, above: 1e400/s}",
        "{name: a, per: service, measure: requests, above: 1/s, for: 99999999999999999999h}",
        "{name: a, per: appliance, measure: events, above: 1/s}",
        "{name: a, per: service, measure: held, above: 1, at_least: 5}",
        "{name: A b, per: service, measure: held, above: 1}"})
    EXPECT_NE(wrong(bad), "nothing is wrong") << bad;
}

TEST(AlertFile, SinksAreReadAsStrictly) {
  const auto problem = [](const std::string& sink) {
    const auto file = parse_alerts("alerts: []\nsinks:\n  - " + sink + "\n", "alerts.yaml");
    return file ? "nothing is wrong" : file.error().front().message();
  };
  EXPECT_THAT(problem("{name: a}"), HasSubstr("alerts.yaml:3:5: a sink that leads nowhere; one of webhook: "));
  EXPECT_THAT(problem("{name: a, syslog: {}, command: [/bin/true]}"), HasSubstr("a sink of several kinds"));
  EXPECT_THAT(problem("{name: a, command: [true]}"), HasSubstr("\"true\" is no absolute path; begin it with /"));
  EXPECT_THAT(problem("{name: a, command: /bin/true}"), HasSubstr("a list is expected"));
  EXPECT_THAT(problem("{name: a, command: []}"), HasSubstr("a command of 0 words"));
  EXPECT_THAT(problem("{name: a, syslog: {facility: mail}}"), HasSubstr("\"mail\" is not known here"));
  EXPECT_THAT(problem("{name: a, webhook: {url: 'ftp://x', secret_file: /x}}"), HasSubstr("is no url"));
  EXPECT_THAT(problem("{name: a, webhook: {url: 'https://x'}}"), HasSubstr("has no \"secret_file\""));
  EXPECT_EQ(problem("{name: a, syslog: {}}"), "nothing is wrong");
  const auto twice = parse_alerts("alerts: []\nsinks: [{name: a, syslog: {}}, {name: a, syslog: {}}]\n", "f");
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().front().message(), HasSubstr("two have the name \"a\""));
}

TEST(AlertFile, OnlyItsOwnerMayHaveWrittenIt) {
  const sluice::test::TempDir dir;
  const std::string path = dir.file("alerts.yaml");
  ASSERT_TRUE(replace_file(path, as_bytes(std::string_view("alerts: []\n")), 0644));
  EXPECT_TRUE(read_alerts(path));
  ASSERT_EQ(::chmod(path.c_str(), 0664), 0);
  EXPECT_EQ(read_alerts(path).error().code, ErrorCode::not_permitted);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(read_alerts(path));
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(path.c_str(), 4711, 0), 0);
    EXPECT_EQ(read_alerts(path).error().code, ErrorCode::not_permitted);
  }
  EXPECT_FALSE(read_alerts(dir.file("none.yaml")));
}

TEST(AlertFile, TheExampleIsRight) {
  const auto text = read_file(SLUICE_ALERTS_EXAMPLE, 1 << 20);
  ASSERT_TRUE(text);
  const AlertFile file = read(std::string(as_text(*text)));
  EXPECT_GE(file.rules.size(), 6U);
  EXPECT_EQ(file.sinks.size(), 3U);
}

}  // namespace
}  // namespace sluice::control
