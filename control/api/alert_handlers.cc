// GET /v1/alerts, /v1/alerts/N, POST /v1/alerts/check
#include <charconv>

#include "control/alerts/rule_reader.h"
#include "control/api/alert_json.h"
#include "control/api/handlers.h"

namespace sluice::control {
namespace {

constexpr std::uint64_t kMostListed = 1000;

void list(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  Json out = {{"alerts", Json::array()}};
  Alerts* const alerts = context.parts.alerts;
  if (alerts == nullptr) return answer(response, out);  // no file of alerts was given
  AlertQuery query;
  const std::string state = request.get_param_value("state");
  if (!state.empty() && state != "active" && state != "all")
    return answer_error(response, {ErrorCode::bad_argument, "state must be active or all"});
  query.is_active = state != "all";
  query.service = request.get_param_value("service");
  query.principal = request.get_param_value("principal");
  const auto limit = number_parameter(request, "limit", 100, kMostListed);
  if (!limit) return answer_error(response, limit.error());
  const auto since = number_parameter(request, "since_wall_ns", 0, ~std::uint64_t{0} >> 1);
  if (!since) return answer_error(response, since.error());
  query.limit = *limit;
  query.since = *since;
  const auto found = alerts->alerts(query);
  if (!found) return answer_error(response, found.error());
  for (const Alert& alert : *found)
    out["alerts"].push_back(alert_json(alert, alert.cleared == 0 ? alerts->value(alert) : std::nullopt, alerts->now()));
  out.update(alerts_status_json(alerts->status()));
  answer(response, out);
}

void show(ApiContext& context, const httplib::Request& request, httplib::Response& response) {
  const std::string text = request.matches[1].str();
  AlertId id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  Alerts* const alerts = context.parts.alerts;
  const auto found = alerts != nullptr ? alerts->alert(id) : Result<std::optional<Alert>>(std::nullopt);
  if (!found) return answer_error(response, found.error());
  if (!*found) return answer_error(response, {ErrorCode::not_found, "no alert has the number " + text});
  answer(response, alert_json(**found, (*found)->cleared == 0 ? alerts->value(**found) : std::nullopt, alerts->now()));
}

void check(const httplib::Request& request, httplib::Response& response) {
  const std::string name = request.has_param("file_name") ? request.get_param_value("file_name") : "alerts.yaml";
  const auto file = parse_alerts(request.body, name);
  if (!file) return answer_error(response, {ErrorCode::policy_invalid, {}}, file.error());
  answer(response, {{"valid", true}, {"alerts", file->rules.size()}, {"sinks", file->sinks.size()}});
}

}  // namespace

void add_alert_routes(UnixHttpServer& server, ApiContext& context) {
  using Request = httplib::Request;
  using Response = httplib::Response;
  server.Get("/v1/alerts", [&](const Request& request, Response& response) { list(context, request, response); });
  server.Get("/v1/alerts/([0-9]{1,19})",
             [&](const Request& request, Response& response) { show(context, request, response); });
  server.Post("/v1/alerts/check", check);
}

}  // namespace sluice::control
