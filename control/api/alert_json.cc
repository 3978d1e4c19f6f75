// See alert_json.h.
#include "control/api/alert_json.h"

#include <algorithm>

#include "common/session_id.h"
#include "common/source.h"
#include "control/alerts/rule_reader.h"

namespace sluice::control {

Json alert_json(const Alert& alert, std::optional<double> value, WallNs now) {
  const WallNs until = alert.cleared != 0 ? alert.cleared : now;
  Json out;
  out["id"] = alert.id;
  out["alert"] = alert.rule;
  out["state"] = alert.cleared == 0 ? "active" : "over";
  out["severity"] = severity_name(alert.severity);
  out["text"] = alert_text(alert);
  out["summary"] = alert.summary;
  out["per"] = alert_per_name(alert.key.per);
  out["service"] = alert.key.service;
  const bool has_limit = alert.key.per == AlertPer::limit, has_event = alert.key.per == AlertPer::appliance;
  out["limit"] = has_limit ? Json(alert.key.name) : Json(nullptr);
  out["event"] = has_event && !alert.key.name.empty() ? Json(alert.key.name) : Json(nullptr);
  out["principals"] = alert.principals;
  out["source"] = alert.key.source == 0 ? Json(nullptr) : Json(format_source(alert.key.source));
  out["sessions"] = Json::array();
  for (const SessionId session : alert.sessions) out["sessions"].push_back(format_session_id(session));
  out["measure"] = alert.measure;
  out["value"] = alert.value;
  out["above"] = alert.above;
  out["value_text"] = format_amount(alert.value, alert.unit);
  out["above_text"] = format_amount(alert.above, alert.unit);
  out["value_now"] = value ? Json(*value) : Json(nullptr);
  out["raised"] = time_json(alert.raised);
  out["cleared"] = time_json(alert.cleared);
  out["lasted_ns"] = until - std::min(until, alert.raised);
  out["rule_is_gone"] = alert.rule_is_gone;
  out["action"] = alert.action;
  out["order"] = alert.order != 0 ? Json(alert.order) : Json(nullptr);
  out["told"] = alert.tell;
  return out;
}

Json alerts_status_json(const AlertsStatus& status) {
  Json out;
  out["file"] = status.file;
  out["loaded"] = time_json(status.loaded);
  out["refused"] = status.refused.empty() ? Json(nullptr) : Json(status.refused);
  out["rules"] = Json::array();
  for (const auto& [rule, active] : status.rules)
    out["rules"].push_back({{"alert", rule.name},
                            {"severity", severity_name(rule.severity)},
                            {"per", alert_per_name(rule.per)},
                            {"service", rule.service},
                            {"measure", measure_name(rule.measure)},
                            {"above", format_amount(rule.above, unit_of(rule))},
                            {"for", format_duration(rule.hold_for)},
                            {"clear_below", format_amount(rule.clear_below, unit_of(rule))},
                            {"clear_after", format_duration(rule.clear_after)},
                            {"active", active}});
  out["sinks"] = Json::array();
  for (const SinkStatus& sink : status.sinks)
    out["sinks"].push_back({{"name", sink.name},
                            {"kind", sink.kind},
                            {"told", sink.told},
                            {"given_up", sink.given_up},
                            {"lost", sink.lost},
                            {"problem", sink.problem.empty() ? Json(nullptr) : Json(sink.problem)}});
  out["series"] = status.series;
  out["untracked"] = status.untracked;
  out["unpaused"] = status.unpaused;
  return out;
}

Json alert_event_json(const AlertEvent& event, WallNs now) {
  if (event.lost != 0)
    return {
        {"event", "events_lost"}, {"sequence", event.sequence}, {"lost", event.lost}, {"text", lost_text(event.lost)}};
  return {{"event", event.is_raised ? "alert_raised" : "alert_cleared"},
          {"sequence", event.sequence},
          {"alert", alert_json(event.alert, std::nullopt, now)}};
}

}  // namespace sluice::control
