// The text of an incident. See incident.h.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "control/cli/fields.h"
#include "control/cli/incident.h"
#include "control/cli/print_holds.h"
#include "control/cli/text.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kMostParameters = 2000;  // bytes of a head or body that are shown
constexpr double kNsAMillisecond = 1e6;

// In a table or a line: one line, no cell ends early, and nothing is a link, an image or set otherwise.
std::string cell(std::string_view text) {
  constexpr std::string_view kMarkup = "|\\<[]!*_`";
  std::string out;
  for (const char c : printable(text)) {
    if (kMarkup.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\t' ? ' ' : c;
  }
  return out.empty() ? "-" : out;
}

// Indented by four, what stands there is code whatever it holds.
std::string code(const Json& bytes) {
  const std::string text = bytes_of(bytes);
  return indented(text.size() <= kMostParameters ? text : text.substr(0, kMostParameters) + "\n(and more)");
}

using Events = std::multimap<std::string, std::string>;  // when, what

void add_event(Events& events, const Json& at, std::string what) {
  if (at.is_string()) events.emplace(at.get<std::string>(), std::move(what));
}

void add_hold_events(Events& events, const Json& hold) {
  const std::string id = text_of(hold, "id");
  add_event(events, part(hold, "opened"),
            fmt::format("hold {}: a request is held, by {} {}", id, cell(text_of(hold, "cause")),
                        cell(text_of(hold, "cause_name"))));
  for (const Json& vote : hold.value("votes", Json::array()))
    add_event(events, part(vote, "at"),
              fmt::format("hold {}: {}, by {}", id, text_of(vote, "decision"), cell(said(vote))));
  add_event(events, part(hold, "ended"), fmt::format("hold {}: {}", id, text_of(hold, "state")));
}

std::string timeline(const IncidentParts& parts) {
  Events events;
  for (const Json& session : parts.sessions.value("sessions", Json::array()))
    add_event(events, part(session, "opened"),
              fmt::format("session {} from {} to {}: {} requests, {} denied", text_of(session, "id"),
                          cell(text_of(session, "client")), cell(text_of(session, "service")),
                          number_of(session, "requests"), number_of(session, "denied")));
  for (const Json& hold : parts.holds) add_hold_events(events, hold);
  for (const Json& order : parts.orders.value("orders", Json::array())) {
    add_event(events, part(order, "created"),
              fmt::format("order {}: {} for {}, by {}", number_of(order, "order"), text_of(order, "verdict"),
                          cell(order_about(order)), cell(said(order))));
    const std::string by = text_of(order, "ended_by");
    add_event(events, part(order, "ended"),
              fmt::format("order {} is {}{}", number_of(order, "order"), text_of(order, "state"),
                          by.empty() ? "" : ", by " + cell(by)));
  }
  for (const Json& alert : parts.alerts.value("alerts", Json::array())) {
    add_event(events, part(alert, "raised"),
              fmt::format("alert {} {} is raised", number_of(alert, "id"), cell(text_of(alert, "alert"))));
    add_event(events, part(alert, "cleared"),
              fmt::format("alert {} {} is over", number_of(alert, "id"), cell(text_of(alert, "alert"))));
  }
  std::string out = "## Timeline (UTC)\n\n";
  for (const auto& [at, what] : events) out += fmt::format("- {}  {}\n", human_time(at), what);
  return events.empty() ? out + "Nothing is on record.\n" : out;
}

std::string alerts_text(const IncidentParts& parts) {
  std::string out = "## Alerts\n\n";
  const Json alerts = parts.alerts.value("alerts", Json::array());
  if (alerts.empty()) return out + "None.\n";
  out +=
      "| alert | name | state | severity | raised (UTC) | value | above | sessions | action |\n"
      "|---|---|---|---|---|---:|---:|---|---|\n";
  for (const Json& alert : alerts) {
    std::string sessions;
    for (const Json& session : alert.value("sessions", Json::array()))
      if (session.is_string()) sessions += (sessions.empty() ? "" : " ") + session.get<std::string>();
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", number_of(alert, "id"),
                       cell(text_of(alert, "alert")), text_of(alert, "state"), text_of(alert, "severity"),
                       human_time(text_of(alert, "raised")), cell(text_of(alert, "value_text")),
                       cell(text_of(alert, "above_text")), cell(sessions), cell(text_of(alert, "action")));
  }
  return out;
}

std::string holds_text(const IncidentParts& parts) {
  std::string out = "## Held requests\n\n";
  if (parts.holds.empty()) return out + "None.\n";
  for (const Json& hold : parts.holds) {
    out += fmt::format("### Hold {}: {}\n\n", text_of(hold, "id"), text_of(hold, "state"));
    out += fmt::format("Session {}, unit {}, from {}, to {}; held by {} {}; {} bytes of body were there.\n\n",
                       text_of(hold, "session"), number_of(hold, "unit"), cell(text_of(hold, "client")),
                       cell(text_of(hold, "service")), cell(text_of(hold, "cause")), cell(text_of(hold, "cause_name")),
                       number_of(hold, "body_bytes"));
    if (const Json decision = part(hold, "decision"); decision.is_object())
      out += fmt::format("Decision: **{}** at {} UTC, by {}.\n\n", text_of(decision, "decision"),
                         human_time(text_of(decision, "at")), cell(said(decision)));
    out += "Parameters, with secrets masked:\n\n" + code(part(hold, "head")) + code(part(hold, "body")) + "\n";
  }
  if (!parts.holds_are_all) out += "There were more holds than these; `sluice holds list --state all` has them.\n";
  return out;
}

std::string sessions_text(const IncidentParts& parts) {
  std::string out = "## Sessions\n\n";
  const Json sessions = parts.sessions.value("sessions", Json::array());
  if (sessions.empty()) return out + "None.\n";
  out +=
      "| session | service | client | opened (UTC) | requests | denied | bytes from client | error |\n"
      "|---|---|---|---|---:|---:|---:|---|\n";
  for (const Json& session : sessions)
    out += fmt::format(
        "| {} | {} | {} | {} | {} | {} | {} | {} |\n", text_of(session, "id"), cell(text_of(session, "service")),
        cell(text_of(session, "client")), human_time(text_of(session, "opened")), number_of(session, "requests"),
        number_of(session, "denied"), number_of(session, "request_bytes"), cell(text_of(session, "error")));
  return out + "\n`sluice sessions show ID` prints what each of them said.\n";
}

std::string counts_text(const IncidentParts& parts) {
  std::string out =
      "## Counts since the data plane began\n\n"
      "| service | from | requests | answered | errors | denied | bytes of bodies | mean wait "
      "|\n|---|---|---:|---:|---:|---:|---:|---:|\n";
  for (const Json& row : parts.callers.value("callers", Json::array())) {
    if (text_of(row, "principal") != parts.principal) continue;
    if (!parts.service.empty() && text_of(row, "service") != parts.service) continue;
    const std::uint64_t answered = number_of(row, "responses");
    const double mean_ms = answered == 0 ? 0
                                         : static_cast<double>(number_of(row, "waited_ns")) /
                                               static_cast<double>(answered) / kNsAMillisecond;
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.1f} ms |\n", cell(text_of(row, "service")),
                       cell(text_of(row, "source")), number_of(row, "requests"), answered, number_of(row, "errors"),
                       number_of(row, "denied"), number_of(row, "request_bytes") + number_of(row, "response_bytes"),
                       mean_ms);
  }
  const Json counters = part(parts.status, "counters");
  if (!counters.is_object()) return out;
  out += "\n| limit | passed | denied | throttled | held | observed |\n|---|---:|---:|---:|---:|---:|\n";
  const Json limits = counters.value("limits", Json::object());
  for (const auto& [name, limit] : limits.items())
    out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", cell(name), number_of(limit, "passed"),
                       number_of(limit, "denied"), number_of(limit, "throttled"), number_of(limit, "held"),
                       number_of(limit, "observed"));
  return out;
}

}  // namespace

std::string incident_text(const IncidentParts& parts) {
  const Json policy = part(parts.status, "policy");
  std::string out = fmt::format("# Incident: {}{}\n\n", cell(parts.principal),
                                parts.service.empty() ? "" : " at " + cell(parts.service));
  out += fmt::format("What Sluice recorded of the last {}, as of {} UTC. Policy version {}.\n\n", cell(parts.since),
                     human_time(text_of(parts.callers, "at")),
                     policy.is_object() ? std::to_string(number_of(policy, "version")) : "none");
  return out + timeline(parts) + "\n" + alerts_text(parts) + "\n" + holds_text(parts) + "\n" + sessions_text(parts) +
         "\n" + counts_text(parts);
}

}  // namespace sluice::cli
