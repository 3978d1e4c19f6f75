// Errors, policies and the status. See print.h.
#include "control/cli/print.h"

#include <fmt/format.h>

#include "control/cli/fields.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

// A heading and a table, or nothing when there is nothing to tell.
std::string section(const Table& table) {
  return table.empty() ? std::string() : "\n" + table.text();
}

std::string named_counts(const Json& counts, const char* name, const char* value) {
  Table table({name, value});
  for (const auto& [key, count] : counts.items()) table.add({printable(key), count.dump()});
  return section(table);
}

std::string services(const Json& counts) {
  Table table({"SERVICE", "SESSIONS", "OPEN", "REQUESTS", "RESPONSES", "FROM CLIENTS", "FROM SERVER", "DENIED",
               "ERRORS", "SPLICED", "FORWARDED"});
  for (const auto& [name, c] : counts.items())
    table.add({printable(name), std::to_string(number_of(c, "sessions")), std::to_string(number_of(c, "open")),
               std::to_string(number_of(c, "requests")), std::to_string(number_of(c, "responses")),
               human_bytes(number_of(c, "request_bytes")), human_bytes(number_of(c, "response_bytes")),
               std::to_string(number_of(c, "denied")), std::to_string(number_of(c, "errors")),
               std::to_string(number_of(c, "spliced")), std::to_string(number_of(c, "forwarded"))});
  return section(table);
}

std::string limits(const Json& counts) {
  Table table({"LIMIT", "PASSED", "DENIED", "THROTTLED", "HELD", "OBSERVED"});
  for (const auto& [name, c] : counts.items())
    table.add({printable(name), std::to_string(number_of(c, "passed")), std::to_string(number_of(c, "denied")),
               std::to_string(number_of(c, "throttled")), std::to_string(number_of(c, "held")),
               std::to_string(number_of(c, "observed"))});
  return section(table);
}

std::string counters(const Json& c) {
  const Json& recorder = c["recorder"];
  const Json holds = c.value("holds", Json::object());
  std::string out = fmt::format(
      "sessions    {} open, {} buffers free, {} events lost\n"
      "recorder    {} records, {} on disk, {}, {} stalls{}\n"
      "holds       {} open, {} since start\n"
      "counted     {} UTC\n",
      number_of(c, "sessions_open"), number_of(c, "buffers_free"), number_of(c, "lost_events"),
      number_of(recorder, "records_appended"), number_of(recorder, "records_durable"),
      human_bytes(number_of(recorder, "bytes")), number_of(recorder, "stalls"),
      text_of(recorder, "error").empty() ? "" : "; " + text_of(recorder, "error"), number_of(holds, "open"),
      number_of(holds, "opened"), human_time(text_of(c, "at")));
  out += services(c["services"]);
  out += named_counts(c["rules"], "RULE", "MATCHES");
  if (c.contains("limits")) out += limits(c["limits"]);
  out += named_counts(c["drops"], "REASON", "COUNT");
  out += named_counts(c["ports"], "PORT", "COUNT");
  return out;
}

}  // namespace

std::string error_text(const Json& error) {
  std::string out = "error: " + text_of(error, "message");
  if (const std::string detail = text_of(error, "detail"); !detail.empty()) out += ": " + detail;
  out += "\n";
  for (const Json& problem : error.value("problems", Json::array())) out += "  " + text_of(problem, "message") + "\n";
  return out;
}

std::string policy_text(const Json& policy) {
  std::string out = fmt::format("# version {}, {}, pushed {} UTC by {}, sha256 {}\n", number_of(policy, "version"),
                                text_of(policy, "state"), human_time(text_of(policy, "pushed")),
                                text_of(policy, "pushed_by"), text_of(policy, "sha256"));
  if (const std::string detail = text_of(policy, "detail"); !detail.empty()) out += "# " + detail + "\n";
  out += text_of(policy, "source");
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

std::string status_text(const Json& status) {
  const Json& control = status["control"];
  std::string out = fmt::format("control     {}, process {}, since {} UTC\n", text_of(control, "version"),
                                number_of(control, "pid"), human_time(text_of(control, "started")));
  if (const Json& policy = status["policy"]; policy.is_object()) {
    out += fmt::format("policy      version {}, {}, pushed {} UTC by {}\n", number_of(policy, "version"),
                       text_of(policy, "state"), human_time(text_of(policy, "pushed")), text_of(policy, "pushed_by"));
    if (const std::string detail = text_of(policy, "detail"); !detail.empty()) out += "            " + detail + "\n";
  } else {
    out += "policy      none was pushed yet\n";
  }
  if (const Json& plane = status["data_plane"]; plane.is_object())
    out += fmt::format("data plane  {}, process {}, {} workers, since {} UTC, runs policy version {}\n",
                       text_of(plane, "version"), number_of(plane, "pid"), number_of(plane, "workers"),
                       human_time(text_of(plane, "started")), number_of(plane, "policy_version"));
  else
    out += "data plane  not connected\n";
  const Json& archive = status["archive"];
  out += fmt::format("archive     {} sessions in {} segments, {} damaged places\n", number_of(archive, "sessions"),
                     number_of(archive, "segments"), number_of(archive, "damaged_places"));
  if (status["counters"].is_object()) out += counters(status["counters"]);
  return out;
}

}  // namespace sluice::cli
