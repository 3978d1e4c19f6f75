// See json.h.
#include "control/api/json.h"

#include <fmt/format.h>
#include <time.h>

#include <array>

#include "common/names.h"
#include "common/session_id.h"
#include "common/source.h"

namespace sluice::control {
namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kDigits[(group >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

// Printable UTF-8; a sequence that the end cuts counts as broken only if more than three bytes are left over.
bool is_text(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c < 0x20 && c != '\t' && c != '\r' && c != '\n') return false;
    const std::size_t length = c < 0x80 ? 1 : c >= 0xf5 ? 0 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    if (length == 0 || c == 0x7f) return false;
    for (std::size_t j = 1; j < length && i + j < bytes.size(); ++j)
      if ((static_cast<unsigned char>(bytes[i + j]) & 0xc0) != 0x80) return false;
    i += length;
  }
  return true;
}

std::string_view verdict_name(Verdict verdict) {
  constexpr std::array<std::string_view, 5> kNames = {"pass", "mask", "throttle", "hold", "deny"};
  return name_in(kNames, verdict);
}

Json named_counts(const std::vector<NamedCount>& counts) {
  Json out = Json::object();
  for (const NamedCount& count : counts) out[count.name] = count.value;
  return out;
}

Json held_json(const HeldStory& held) {
  return {{"hold", held.hold != 0 ? Json(format_session_id(held.hold)) : Json(nullptr)},
          {"cause", held.cause},
          {"waited_ns", held.waited_ns},
          {"passed", held.passed},
          {"by", held.by},
          {"reason", held.reason},
          {"ending", held.ending == kTicketGiven ? "ticket" : name_in(kHoldEndingNames, held.ending)}};
}

Json score_json(const ScoreStory& score) {
  Json parts = Json::object();
  for (const auto& [name, points] : score.parts) parts[name] = points;
  return {{"total", score.total}, {"above", score.line != 0 ? Json(score.line) : Json(nullptr)}, {"parts", parts}};
}

// As the server's ReadyForQuery said.
std::string_view transaction_name(std::uint8_t status) {
  return status == 'I' ? "idle" : status == 'T' ? "in_transaction" : status == 'E' ? "failed" : "unknown";
}

Json message_json(const Message& message) {
  if (!message.present) return nullptr;
  Json out;
  out["begin"] = time_json(message.begin_wall_ns);
  out["end"] = time_json(message.end_wall_ns);
  out["head"] = bytes_json(message.head);
  if (!message.informational.empty()) {
    out["informational"] = Json::array();
    for (const std::string& head : message.informational) out["informational"].push_back(bytes_json(head));
  }
  out["body"] = bytes_json(message.body);
  out["body_bytes"] = message.ended ? message.body_bytes : message.recorded_bytes;
  out["body_shown_whole"] = message.body.size() == message.recorded_bytes;
  out["body_has_holes"] = message.has_holes;
  if (!message.trailers.empty()) out["trailers"] = bytes_json(message.trailers);
  out["ended"] = message.ended;
  out["complete"] = message.complete;
  out["synthesized"] = message.synthesized;
  out["verdict"] = verdict_name(message.verdict);
  out["observed"] = message.observed;
  out["error"] = error_name(message.error);
  out["policy_version"] = message.policy_version;
  if (!message.limit.empty()) out["limit"] = message.limit;
  if (message.held) out["held"] = held_json(*message.held);
  if (message.score) out["score"] = score_json(*message.score);
  if (message.duration_ns != 0) out["duration_ns"] = message.duration_ns;
  if (message.transaction != 0) out["transaction"] = transaction_name(message.transaction);
  if (message.rows != 0) out["rows"] = message.rows;
  out["hits"] = Json::object();
  for (const RuleHit& hit : message.hits) out["hits"][hit.rule] = hit.count;
  return out;
}

}  // namespace

Json time_json(WallNs wall_ns) {
  if (wall_ns == 0) return nullptr;
  const auto seconds = static_cast<time_t>(wall_ns / kSecond);
  tm utc = {};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, wall_ns % kSecond);
}

Json bytes_json(std::string_view bytes) {
  if (is_text(bytes)) return {{"text", bytes}};
  return {{"base64", base64(bytes)}};
}

Json error_json(const Error& error, const rules::Problems& problems) {
  Json out;
  out["error"] = error_name(error.code);
  out["message"] = error_text(error.code);
  out["detail"] = error.detail;
  out["problems"] = Json::array();
  for (const rules::Problem& problem : problems)
    out["problems"].push_back({{"file", problem.file},
                               {"line", problem.line},
                               {"column", problem.column},
                               {"text", problem.text},
                               {"suggestion", problem.suggestion},
                               {"message", problem.message()}});
  return out;
}

Json data_plane_json(const DataPlane& data_plane) {
  return {{"version", data_plane.product_version},
          {"pid", data_plane.pid},
          {"workers", data_plane.workers},
          {"started", time_json(data_plane.start_wall_ns)},
          {"policy_version", data_plane.policy_version},
          {"hyperscan_version", data_plane.platform.hyperscan_version},
          {"cpu_tune", data_plane.platform.cpu_tune},
          {"cpu_features", data_plane.platform.cpu_features}};
}

Json counters_json(const Counters& counters) {
  Json out;
  out["at"] = time_json(counters.wall_ns);
  out["policy_version"] = counters.policy_version;
  out["sessions_open"] = counters.sessions_open;
  out["buffers_free"] = counters.buffers_free;
  out["worker_busy_ns"] = counters.worker_busy_ns;
  out["lost_events"] = counters.lost_events;
  out["services"] = Json::object();
  for (const ServiceCount& s : counters.services)
    out["services"][s.service] = {{"sessions", s.sessions},
                                  {"open", s.open},
                                  {"requests", s.requests},
                                  {"responses", s.responses},
                                  {"request_bytes", s.request_bytes},
                                  {"response_bytes", s.response_bytes},
                                  {"denied", s.denied},
                                  {"errors", s.errors},
                                  {"spliced", s.spliced},
                                  {"forwarded", s.forwarded}};
  out["rules"] = named_counts(counters.rules);
  out["drops"] = named_counts(counters.drops);
  out["ports"] = named_counts(counters.ports);
  out["limits"] = Json::object();
  for (const LimitCount& c : counters.limits)
    out["limits"][c.limit] = {{"passed", c.passed},
                              {"denied", c.denied},
                              {"throttled", c.throttled},
                              {"held", c.held},
                              {"observed", c.observed}};
  const HoldCounts& h = counters.holds;
  out["holds"] = {{"open", h.open}, {"opened", h.opened}};
  for (std::size_t i = 0; i < kHoldEndings; ++i) out["holds"][std::string(kHoldEndingNames[i])] = h.ended[i];
  out["holds"]["exhausted"] = h.exhausted;
  out["recorder"] = {{"records_appended", counters.records_appended},
                     {"records_durable", counters.records_durable},
                     {"bytes", counters.record_bytes},
                     {"stalls", counters.record_stalls},
                     {"error", counters.archive_error}};
  return out;
}

Json callers_json(const Counters& counters, WallNs start_wall_ns) {
  Json out;
  out["at"] = time_json(counters.wall_ns);
  out["at_ns"] = counters.wall_ns;
  out["data_plane_start_ns"] = start_wall_ns;
  out["bounds_ns"] = kWaitBoundsNs;
  out["callers"] = Json::array();
  for (const CallerCount& c : counters.callers)
    out["callers"].push_back({{"service", c.service},
                              {"principal", c.principal},
                              {"source", c.source == 0 ? Json(nullptr) : Json(format_source(c.source))},
                              {"requests", c.requests},
                              {"responses", c.responses},
                              {"errors", c.errors},
                              {"denied", c.denied},
                              {"request_bytes", c.request_bytes},
                              {"response_bytes", c.response_bytes},
                              {"waited_ns", c.waited_ns},
                              {"waits", c.waits}});
  return out;
}

Json policy_json(const StoredPolicy& policy) {
  return {{"version", policy.version},
          {"state", policy_state_name(policy.state)},
          {"detail", policy.detail},
          {"pushed_by", policy.author},
          {"pushed", time_json(policy.created_wall_ns)},
          {"file_name", policy.file_name},
          {"sha256", hex(policy.sha256)},
          {"source", policy.source}};
}

Json session_json(const SessionRow& row) {
  return {{"id", format_session_id(row.id)},
          {"service", row.service},
          {"class", row.record_class},
          {"principal", row.principal},
          {"principal_verified", row.principal_verified},
          {"client", format_endpoint(row.client_address, row.client_port)},
          {"server", format_endpoint(row.server_address, row.server_port)},
          {"protocol", schema::log::EnumNameProtocol(row.protocol)},
          {"opened", time_json(row.opened_wall_ns)},
          {"last", time_json(row.last_wall_ns)},
          {"closed", row.closed},
          {"requests", row.requests},
          {"responses", row.responses},
          {"request_bytes", row.request_bytes},
          {"response_bytes", row.response_bytes},
          {"verdict", verdict_name(row.verdict)},
          {"masked", row.masked},
          {"denied", row.denied},
          {"hits", row.hits},
          {"missing_records", row.gap_records},
          {"error", error_name(row.error)}};
}

Json exchanges_json(const Exchanges& exchanges) {
  Json out;
  out["units"] = Json::array();
  for (const Unit& unit : exchanges.units)
    out["units"].push_back(
        {{"unit", unit.number}, {"request", message_json(unit.request)}, {"response", message_json(unit.response)}});
  out["has_more"] = exchanges.has_more;
  out["problem"] = exchanges.problem;
  return out;
}

namespace {

Json replayed_unit_json(const ReplayedUnit& unit) {
  Json headers = Json::array();
  for (const HeaderDifference& h : unit.headers)
    headers.push_back({{"name", h.name}, {"recorded", h.recorded}, {"replayed", h.replayed}});
  return {{"unit", unit.unit},
          {"request", unit.request_line},
          {"outcome", replay_outcome_name(unit.outcome)},
          {"reason", unit.reason},
          {"status", {{"recorded", unit.recorded_status}, {"replayed", unit.replayed_status}}},
          {"headers", headers},
          {"body",
           {{"differs", unit.body.differs},
            {"recorded_bytes", unit.body.recorded_bytes},
            {"replayed_bytes", unit.body.replayed_bytes},
            {"first_difference", unit.body.first_difference},
            {"recorded", bytes_json(unit.body.recorded_excerpt)},
            {"replayed", bytes_json(unit.body.replayed_excerpt)}}}};
}

Json values_json(const ValuesCompared& values) {
  Json out = {{"compared", values.values},    {"masked", values.masked},       {"unread", values.unread},
              {"rows_left_out", values.rows}, {"differing", values.differing}, {"differences", Json::array()}};
  for (const ValueDifference& one : values.differences)
    out["differences"].push_back(
        {{"where", one.where}, {"recorded", bytes_json(one.recorded)}, {"replayed", bytes_json(one.replayed)}});
  return out;
}

}  // namespace

Json replay_json(const ReplayReport& report) {
  Json out = {{"to", report.to},           {"same", report.same},     {"different", report.different},
              {"skipped", report.skipped}, {"failed", report.failed}, {"units", Json::array()}};
  if (report.has_values)
    out["values"] = values_json(report.values);
  else
    out["ignored_headers"] = ignored_headers();
  for (const ReplayedUnit& unit : report.units) {
    Json one = replayed_unit_json(unit);
    if (report.has_values) one["values"] = values_json(unit.values);
    out["units"].push_back(std::move(one));
  }
  return out;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::control
