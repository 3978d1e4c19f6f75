// See callers.h.
#include "control/cli/callers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "control/cli/fields.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr double kNsASecond = 1e9;

std::uint64_t number(const Json& row, const char* name) {
  return row.value(name, std::uint64_t{0});
}

// Where in its bucket a percentile lies is a guess along a straight line, as Prometheus makes it.
double percentile(const std::vector<double>& waits, const std::vector<double>& bounds_s, double part) {
  double all = 0;
  for (const double count : waits) all += count;
  if (all <= 0) return -1;
  double below = 0;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    if (below + waits[i] >= part * all && waits[i] > 0) {
      if (i >= bounds_s.size()) return bounds_s.empty() ? -1 : bounds_s.back();
      const double from = i == 0 ? 0 : bounds_s[i - 1];
      return from + (bounds_s[i] - from) * (part * all - below) / waits[i];
    }
    below += waits[i];
  }
  return -1;
}

CallerRate rate_of(const Json& row, const Json& old, double seconds, const std::vector<double>& bounds_s) {
  const auto more = [&](const char* name) { return static_cast<double>(number(row, name) - number(old, name)); };
  CallerRate out{
      .service = row.value("service", ""), .principal = row.value("principal", ""), .source = text_of(row, "source")};
  out.requests = more("requests") / seconds;
  out.errors = more("errors") / seconds;
  out.denied = more("denied") / seconds;
  out.bytes = (more("request_bytes") + more("response_bytes")) / seconds;
  out.total = number(row, "requests");
  std::vector<double> waits;
  const Json none = Json::array();
  const Json& now = row.value("waits", none);
  const Json& then = old.value("waits", none);
  for (std::size_t i = 0; i < now.size(); ++i)
    waits.push_back(now[i].get<double>() - (i < then.size() ? then[i].get<double>() : 0));
  out.median_s = percentile(waits, bounds_s, 0.5);
  out.slow_s = percentile(waits, bounds_s, 0.99);
  return out;
}

std::string rate_text(double a_second) {
  return a_second == 0 ? "0" : a_second < 10 ? fmt::format("{:.1f}", a_second) : fmt::format("{:.0f}", a_second);
}

std::string wait_text(double seconds) {
  if (seconds < 0) return "-";
  return seconds < 1 ? fmt::format("{:.1f} ms", seconds * 1e3) : fmt::format("{:.1f} s", seconds);
}

double by(const CallerRate& rate, std::string_view order) {
  if (order == "errors") return rate.errors;
  if (order == "denied") return rate.denied;
  if (order == "bytes") return rate.bytes;
  if (order == "wait") return rate.slow_s;
  return rate.requests;
}

}  // namespace

std::vector<CallerRate> caller_rates(const Json& before, const Json& after, std::string_view order) {
  const bool same = before.value("data_plane_start_ns", 0ULL) == after.value("data_plane_start_ns", 0ULL);
  const auto elapsed = static_cast<double>(number(after, "at_ns") - number(before, "at_ns")) / kNsASecond;
  const double seconds = same && elapsed > 0 ? elapsed : 1;
  const auto who = [](const Json& row) {
    return std::tuple(row.value("service", ""), row.value("principal", ""), text_of(row, "source"));
  };
  std::map<std::tuple<std::string, std::string, std::string>, const Json*> old;
  if (same)
    for (const Json& row : before["callers"]) old[who(row)] = &row;
  std::vector<double> bounds_s;
  for (const Json& bound : after["bounds_ns"]) bounds_s.push_back(bound.get<double>() / kNsASecond);
  std::vector<CallerRate> rates;
  const Json none = Json::object();
  for (const Json& row : after["callers"]) {
    const auto found = old.find(who(row));
    rates.push_back(rate_of(row, found == old.end() ? none : *found->second, seconds, bounds_s));
  }
  std::ranges::sort(rates, [&](const CallerRate& a, const CallerRate& b) {
    return std::tuple(by(b, order), b.total, std::tie(a.service, a.principal, a.source)) <
           std::tuple(by(a, order), a.total, std::tie(b.service, b.principal, b.source));
  });
  return rates;
}

std::string callers_text(const std::vector<CallerRate>& rates) {
  Table table({"PRINCIPAL", "SERVICE", "REQUESTS/S", "ERRORS/S", "DENIED/S", "BYTES/S", "P50", "P99", "REQUESTS"});
  for (const CallerRate& rate : rates)
    table.add({printable(rate.principal) + (rate.source.empty() ? "" : " from " + rate.source), printable(rate.service),
               rate_text(rate.requests), rate_text(rate.errors), rate_text(rate.denied),
               human_bytes(static_cast<std::uint64_t>(rate.bytes)), wait_text(rate.median_s), wait_text(rate.slow_s),
               std::to_string(rate.total)});
  return table.text();
}

}  // namespace sluice::cli
