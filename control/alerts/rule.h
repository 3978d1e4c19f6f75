// What an alerts file says, as values (docs/formats/alerts.md): what to watch, from which number on it is an alert,
// when it is over, and who is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/time.h"

namespace sluice::control {

inline constexpr std::size_t kMaxAlertRules = 64;
inline constexpr std::size_t kMaxAlertSinks = 16;
inline constexpr std::size_t kMaxCommandWords = 64;
inline constexpr std::size_t kMaxSummaryBytes = 200;

// Whose numbers are looked at, each by itself.
enum class AlertPer : std::uint8_t { principal = 0, service = 1, limit = 2, appliance = 3 };
std::string_view alert_per_name(AlertPer per);

enum class Measure : std::uint8_t {
  requests = 0,
  errors = 1,
  denied = 2,
  bytes_in = 3,
  bytes_out = 4,
  latency_p99 = 5,
  held = 6,
  refused = 7,
  record_stalls = 8,
  record_gaps = 9,
  events = 10,
  archive_failed = 11
};
std::string_view measure_name(Measure measure);

// What a number of a measure is.
enum class AlertUnit : std::uint8_t { per_second, bytes_per_second, share, seconds, count, budgets };
AlertUnit unit_of(Measure measure);
// "812/s", "1.5 MiB/s", "5%", "250 ms", "3", "14.4 times the budget"
std::string format_amount(double amount, AlertUnit unit);

enum class AlertSeverity : std::uint8_t { info = 0, warning = 1, critical = 2 };
std::string_view severity_name(AlertSeverity severity);

// How fast the errors that an objective allows are used up: 1 is as fast as it allows. Both windows must say so: the
// long one that it matters, the short one that it still goes on.
struct BurnRate {
  double objective = 0;         // 0.999: the share that must be good
  DurationNs slower_than = 0;   // 0: bad is an error; else an answer that took longer, one of kWaitBoundsNs
  DurationNs short_window = 0;  // the long one is the rule's own

  bool operator==(const BurnRate&) const = default;
};

struct AlertRule {
  std::string name = {};
  std::string summary = {};  // for people; may be empty
  AlertSeverity severity = AlertSeverity::warning;
  AlertPer per = AlertPer::service;
  std::string service = {};  // empty: all
  Measure measure = Measure::requests;
  std::string event = {};  // of Measure::events: an error's name
  std::optional<BurnRate> burn = {};
  double above = 0;                       // raised beyond this; of a burn rate its factor
  double clear_below = 0;                 // over at or below this
  DurationNs window = 10 * kSecond;       // that a number is taken over
  DurationNs hold_for = 30 * kSecond;     // so long beyond before it is raised
  DurationNs clear_after = 60 * kSecond;  // so long below before it is over
  std::uint64_t at_least = 0;             // requests in the window before a share or a percentile means anything
  DurationNs pause_for = 0;               // 0: no pause
  std::vector<std::string> tell = {};     // sinks

  bool operator==(const AlertRule&) const = default;
};

inline AlertUnit unit_of(const AlertRule& rule) {
  return rule.burn ? AlertUnit::budgets : unit_of(rule.measure);
}

struct WebhookSink {
  std::string url = {}, secret_file = {};
  bool is_chat = false;
};

struct SyslogSink {
  std::string path = "/dev/log";
  unsigned facility = 3;  // RFC 5424 section 6.2.1: 3 is system daemons
};

struct CommandSink {
  std::vector<std::string> argv = {};
  DurationNs timeout = 10 * kSecond;
};

struct SinkConfig {
  std::string name = {};
  std::variant<WebhookSink, SyslogSink, CommandSink> to = {};
};
std::string_view sink_kind(const SinkConfig& sink);

struct AlertFile {
  std::vector<SinkConfig> sinks = {};
  std::vector<AlertRule> rules = {};
};

}  // namespace sluice::control
