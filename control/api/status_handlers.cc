// GET /v1/status, /v1/callers, /v1/metrics
#include <unistd.h>

#include "control/api/handlers.h"
#include "control/telemetry/prometheus.h"

namespace sluice::control {

void add_status_routes(UnixHttpServer& server, ApiContext& context) {
  server.Get("/v1/status", [&context](const httplib::Request&, httplib::Response& response) {
    const ChannelStatus channel = context.parts.publisher.channel_status();
    const auto policy = context.parts.publisher.current();
    if (!policy) return answer_error(response, policy.error());
    const auto archive = context.parts.index.status();
    if (!archive) return answer_error(response, archive.error());
    Json out;
    out["control"] = {{"version", SLUICE_VERSION},
                      {"pid", ::getpid()},
                      {"started", time_json(context.parts.start_wall_ns)},
                      {"session_events", channel.events}};
    out["policy"] = nullptr;
    if (*policy) {
      out["policy"] = policy_json(**policy);
      out["policy"].erase("source");
    }
    out["data_plane"] = channel.data_plane ? data_plane_json(*channel.data_plane) : Json(nullptr);
    out["counters"] = channel.counters ? counters_json(*channel.counters) : Json(nullptr);
    const ApprovalsHealth health = context.parts.approvals.health();
    out["approvals"] = {{"problem", health.problem.empty() ? Json(nullptr) : Json(health.problem)},
                        {"unkept", health.unkept}};
    out["archive"] = {
        {"segments", archive->segments}, {"sessions", archive->sessions}, {"damaged_places", archive->damages}};
    answer(response, out);
  });
  server.Get("/v1/callers", [&context](const httplib::Request&, httplib::Response& response) {
    const ChannelStatus channel = context.parts.publisher.channel_status();
    answer(response, callers_json(channel.counters.value_or(Counters()),
                                  channel.data_plane ? channel.data_plane->start_wall_ns : 0));
  });
  server.Get("/v1/metrics", [&context](const httplib::Request&, httplib::Response& response) {
    response.set_content(prometheus_text(context.parts.publisher.channel_status(), alert_gauges(context.parts.alerts),
                                         approval_gauges(context.parts.approvals)),
                         kPrometheusType);
  });
}

}  // namespace sluice::control
