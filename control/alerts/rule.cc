// See rule.h.
#include "control/alerts/rule.h"

#include <fmt/format.h>

#include <array>

namespace sluice::control {
namespace {

constexpr double kMillisecondsASecond = 1000;
constexpr double kPercent = 100;

std::string bytes_text(double bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

}  // namespace

std::string_view alert_per_name(AlertPer per) {
  constexpr std::array<std::string_view, 4> kNames = {"principal", "service", "limit", "appliance"};
  return kNames[static_cast<std::size_t>(per)];
}

std::string_view measure_name(Measure measure) {
  constexpr std::array<std::string_view, 12> kNames = {"requests",      "errors",      "denied", "bytes_in",
                                                       "bytes_out",     "latency_p99", "held",   "refused",
                                                       "record_stalls", "record_gaps", "events", "archive_failed"};
  return kNames[static_cast<std::size_t>(measure)];
}

AlertUnit unit_of(Measure measure) {
  switch (measure) {
    case Measure::errors:
      return AlertUnit::share;
    case Measure::bytes_in:
    case Measure::bytes_out:
      return AlertUnit::bytes_per_second;
    case Measure::latency_p99:
      return AlertUnit::seconds;
    case Measure::held:
    case Measure::archive_failed:
      return AlertUnit::count;
    default:
      return AlertUnit::per_second;
  }
}

std::string format_amount(double amount, AlertUnit unit) {
  switch (unit) {
    case AlertUnit::per_second:
      return fmt::format("{:.4g}/s", amount);
    case AlertUnit::bytes_per_second:
      return bytes_text(amount) + "/s";
    case AlertUnit::share:
      return fmt::format("{:.3g}%", amount * kPercent);
    case AlertUnit::seconds:
      return amount < 1 ? fmt::format("{:.3g} ms", amount * kMillisecondsASecond) : fmt::format("{:.3g} s", amount);
    case AlertUnit::budgets:
      return fmt::format("{:.3g} times the budget", amount);
    case AlertUnit::count:
      break;
  }
  return fmt::format("{:.6g}", amount);
}

std::string_view severity_name(AlertSeverity severity) {
  constexpr std::array<std::string_view, 3> kNames = {"info", "warning", "critical"};
  return kNames[static_cast<std::size_t>(severity)];
}

std::string_view sink_kind(const SinkConfig& sink) {
  constexpr std::array<std::string_view, 3> kNames = {"webhook", "syslog", "command"};
  return kNames[sink.to.index()];
}

}  // namespace sluice::control
