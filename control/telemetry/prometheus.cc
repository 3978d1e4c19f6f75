// See prometheus.h.
#include "control/telemetry/prometheus.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <array>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "common/source.h"

namespace sluice::control {
namespace {

constexpr double kNsASecond = 1e9;

// A label's value: what is no UTF-8 becomes U+FFFD; a backslash, a quote and a line feed are escaped.
std::string escaped(std::string_view value) {
  using Json = nlohmann::json;
  const std::string json = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  for (const char c : Json::parse(json).get<std::string>()) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

struct Label {
  std::string_view name;
  std::string_view value;  // escaped
};

// Lines of one exposition, family after family.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    family_ = name;
    fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class T>
  void sample(T value, std::initializer_list<Label> labels = {}, std::string_view suffix = "") {
    fmt::format_to(std::back_inserter(text_), "{}{}", family_, suffix);
    char before = '{';
    for (const Label& label : labels) {
      if (label.value.empty()) continue;  // to Prometheus that is the same
      fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", before, label.name, label.value);
      before = ',';
    }
    fmt::format_to(std::back_inserter(text_), "{} {}\n", before == ',' ? "}" : "", value);
  }
  template <class T>
  void one(std::string_view name, std::string_view type, std::string_view help, T value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view family_;
};

// Of one number of each row of a list.
template <class Row>
struct Column {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  std::uint64_t Row::* value;
};

constexpr Column<ServiceCount> kServiceColumns[] = {
    {"sluice_service_sessions_total", "counter", "Sessions opened.", &ServiceCount::sessions},
    {"sluice_service_sessions_open", "gauge", "Sessions open now.", &ServiceCount::open},
    {"sluice_service_requests_total", "counter", "Requests that began.", &ServiceCount::requests},
    {"sluice_service_responses_total", "counter", "Whole responses of the server.", &ServiceCount::responses},
    {"sluice_service_denied_total", "counter", "Requests that Sluice refused.", &ServiceCount::denied},
    {"sluice_service_errors_total", "counter", "Responses of status 5xx, and messages cut short.",
     &ServiceCount::errors},
    {"sluice_service_request_bytes_total", "counter", "Bytes from clients.", &ServiceCount::request_bytes},
    {"sluice_service_response_bytes_total", "counter", "Bytes from the server.", &ServiceCount::response_bytes},
    {"sluice_service_sessions_spliced_total", "counter", "Sessions that nothing looks at any more.",
     &ServiceCount::spliced},
    {"sluice_service_sessions_forwarded_total", "counter", "Spliced sessions that pass unchanged.",
     &ServiceCount::forwarded},
};

constexpr Column<CallerCount> kCallerColumns[] = {
    {"sluice_requests_total", "counter", "Requests that began.", &CallerCount::requests},
    {"sluice_denied_total", "counter", "Requests that Sluice refused.", &CallerCount::denied},
    {"sluice_errors_total", "counter", "Responses of status 5xx, and messages cut short.", &CallerCount::errors},
    {"sluice_request_bytes_total", "counter", "Bytes of requests' bodies.", &CallerCount::request_bytes},
    {"sluice_response_bytes_total", "counter", "Bytes of responses' bodies.", &CallerCount::response_bytes},
};

void add_services(Exposition& out, const Counters& counters) {
  for (const Column<ServiceCount>& column : kServiceColumns) {
    out.family(column.name, column.type, column.help);
    for (const ServiceCount& row : counters.services)
      out.sample(row.*column.value, {{"service", escaped(row.service)}});
  }
}

void add_callers(Exposition& out, const Counters& counters) {
  std::vector<std::array<std::string, 3>> names;  // service, principal and source, escaped
  for (const CallerCount& row : counters.callers)
    names.push_back({escaped(row.service), escaped(row.principal), format_source(row.source)});
  for (const Column<CallerCount>& column : kCallerColumns) {
    out.family(column.name, column.type, column.help);
    for (std::size_t i = 0; i < names.size(); ++i)
      out.sample(counters.callers[i].*column.value,
                 {{"service", names[i][0]}, {"principal", names[i][1]}, {"source", names[i][2]}});
  }
  out.family("sluice_request_duration_seconds", "histogram", "From a request's head to the end of its response.");
  for (std::size_t row = 0; row < names.size(); ++row) {
    const CallerCount& counts = counters.callers[row];
    const Label service{"service", names[row][0]};
    const Label principal{"principal", names[row][1]};
    const Label source{"source", names[row][2]};
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kWaitBuckets; ++i) {
      sum += counts.waits[i];
      const std::string bound = i < kWaitBoundsNs.size()
                                    ? fmt::format("{}", static_cast<double>(kWaitBoundsNs[i]) / kNsASecond)
                                    : std::string("+Inf");
      out.sample(sum, {service, principal, source, {"le", bound}}, "_bucket");
    }
    out.sample(static_cast<double>(counts.waited_ns) / kNsASecond, {service, principal, source}, "_sum");
    out.sample(sum, {service, principal, source}, "_count");
  }
}

// `sample(value, name)` of each of the first rows, and of what the others have together.
template <class Row, class Sample>
void add_bounded(const std::vector<Row>& rows, std::string Row::* name, std::uint64_t Row::* value,
                 const Sample& sample) {
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i < kMostSeries)
      sample(rows[i].*value, escaped(rows[i].*name));
    else
      others += rows[i].*value;
  }
  if (rows.size() > kMostSeries) sample(others, kOthers);
}

void add_named(Exposition& out, const std::vector<NamedCount>& counts, std::string_view label) {
  add_bounded(counts, &NamedCount::name, &NamedCount::value,
              [&](std::uint64_t value, std::string_view name) { out.sample(value, {{label, name}}); });
}

void add_limits(Exposition& out, const Counters& counters) {
  constexpr struct {
    std::string_view outcome;
    std::uint64_t LimitCount::* value;
  } kOutcomes[] = {{"passed", &LimitCount::passed},
                   {"denied", &LimitCount::denied},
                   {"throttled", &LimitCount::throttled},
                   {"held", &LimitCount::held},
                   {"observed", &LimitCount::observed}};
  out.family("sluice_limit_units_total", "counter", "What a limit was asked for, by what became of it.");
  for (const auto& [outcome, value] : kOutcomes) {
    add_bounded(counters.limits, &LimitCount::limit, value, [&](std::uint64_t count, std::string_view limit) {
      out.sample(count, {{"limit", limit}, {"outcome", outcome}});
    });
  }
}

void add_holds(Exposition& out, const HoldCounts& holds) {
  out.one("sluice_holds_open", "gauge", "Requests that wait for a decision.", holds.open);
  out.one("sluice_holds_opened_total", "counter", "Requests that came to wait.", holds.opened);
  out.one("sluice_holds_exhausted_total", "counter", "Requests that could not be held: there were too many.",
          holds.exhausted);
  out.family("sluice_holds_ended_total", "counter", "Requests that wait no longer, by how that ended.");
  for (std::size_t i = 0; i < kHoldEndings; ++i) out.sample(holds.ended[i], {{"ending", kHoldEndingNames[i]}});
}

// "client/rx_frames": a counter of the port at that side.
void add_ports(Exposition& out, const Counters& counters) {
  out.family("sluice_port_total", "counter", "What a port counts.");
  for (const NamedCount& count : counters.ports) {
    const std::size_t slash = count.name.find('/');
    const std::string_view name = count.name;
    if (slash == std::string::npos) continue;
    out.sample(count.value, {{"port", name.substr(0, slash)}, {"counter", name.substr(slash + 1)}});
  }
}

void add_counters(Exposition& out, const Counters& counters) {
  out.one("sluice_policy_version", "gauge", "Version of the policy that runs; 0: none.", counters.policy_version);
  out.one("sluice_report_timestamp_seconds", "gauge", "When the data plane counted this.",
          static_cast<double>(counters.wall_ns) / kNsASecond);
  add_services(out, counters);
  add_callers(out, counters);
  add_limits(out, counters);
  add_holds(out, counters.holds);
  out.family("sluice_rule_matches_total", "counter", "Matches of a rule.");
  add_named(out, counters.rules, "rule");
  out.family("sluice_events_total", "counter", "What was refused, dropped, given up or noted, by its error's name.");
  add_named(out, counters.drops, "error");
  add_ports(out, counters);
  out.one("sluice_records_appended_total", "counter", "Records handed to the archive.", counters.records_appended);
  out.one("sluice_records_durable_total", "counter", "Records that are on disk.", counters.records_durable);
  out.one("sluice_record_bytes_total", "counter", "Bytes of records.", counters.record_bytes);
  out.one("sluice_record_stalls_total", "counter", "Times that traffic waited for the archive.",
          counters.record_stalls);
  out.one("sluice_archive_ok", "gauge", "1 while records can be written.", counters.archive_error.empty() ? 1 : 0);
  out.one("sluice_worker_busy_seconds_total", "counter", "Time that the worker had something to do.",
          static_cast<double>(counters.worker_busy_ns) / kNsASecond);
  out.one("sluice_sessions_open", "gauge", "Sessions open now, of all services.", counters.sessions_open);
  out.one("sluice_buffers_free", "gauge", "Packet buffers that are free.", counters.buffers_free);
  out.one("sluice_lost_events_total", "counter", "Session events that control was not told of.", counters.lost_events);
}

}  // namespace

std::string prometheus_text(const ChannelStatus& status, const AlertGauges& alerts, const ApprovalGauges& approvals) {
  Exposition out;
  out.one("sluice_approvals_ok", "gauge", "1 while holds and decisions can be kept.", approvals.is_kept ? 1 : 0);
  out.one("sluice_approvals_unkept_total", "counter",
          "What the data plane told of holds that found no room while they could not be kept.", approvals.unkept);
  out.family("sluice_build_info", "gauge", "The version of control; always 1.");
  out.sample(1, {{"version", SLUICE_VERSION}});
  out.one("sluice_data_plane_up", "gauge", "1 while a data plane is connected.", status.data_plane ? 1 : 0);
  if (status.data_plane)
    out.one("sluice_data_plane_start_timestamp_seconds", "gauge", "When the data plane began.",
            static_cast<double>(status.data_plane->start_wall_ns) / kNsASecond);
  out.family("sluice_alerts_active", "gauge", "Alerts that are active, by the rule that raised them.");
  for (const NamedCount& alert : alerts.active) out.sample(alert.value, {{"alert", alert.name}});
  out.one("sluice_alerts_untracked_total", "counter", "Times that something found no room to be watched for alerts.",
          alerts.untracked);
  out.family("sluice_alert_events_lost_total", "counter", "Events of alerts that a sink was to be told and is not.");
  for (const NamedCount& sink : alerts.lost) out.sample(sink.value, {{"sink", escaped(sink.name)}});
  out.one("sluice_alerts_unpaused_total", "counter", "Pauses of alerts that were given up.", alerts.unpaused);
  if (status.counters) add_counters(out, *status.counters);
  return out.take();
}

}  // namespace sluice::control
