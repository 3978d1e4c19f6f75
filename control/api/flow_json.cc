// See flow_json.h.
#include "control/api/flow_json.h"

#include "common/session_id.h"
#include "control/channel/envelope.h"
#include "schema/policy_generated.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

std::string endpoint(std::uint32_t ipv4, const fbs::Ipv6* ipv6, std::uint16_t port) {
  return format_endpoint(address(ipv4, ipv6), port);
}

Json leg_json(const fbs::LegStatus* leg) {
  if (leg == nullptr) return nullptr;
  Json out;
  out["state"] = fbs::EnumNameTcpState(leg->state());
  out["srtt_ns"] = leg->smoothed_rtt_ns();
  out["rttvar_ns"] = leg->rtt_variance_ns();
  out["rto_ns"] = leg->retransmission_timeout_ns();
  out["backoff"] = leg->backoff();
  out["cwnd_bytes"] = leg->congestion_window_bytes();
  out["ssthresh_bytes"] = leg->slow_start_threshold_bytes();
  out["in_recovery"] = leg->in_recovery();
  out["in_flight_bytes"] = leg->in_flight_bytes();
  out["unacked_segments"] = leg->unacked_segments();
  out["unsent_bytes"] = leg->unsent_bytes();
  out["mss"] = leg->mss();
  out["receive_mss"] = leg->receive_mss();
  out["send_window_scale"] = leg->send_shift();
  out["receive_window_scale"] = leg->receive_shift();
  out["send_window_bytes"] = leg->send_window_bytes();
  out["receive_window_bytes"] = leg->receive_window_bytes();
  out["timestamps"] = leg->timestamps();
  out["ecn"] = leg->ecn();
  out["congestion_echoes"] = leg->congestion_echoes();
  out["path_lowered"] = leg->path_lowered();
  out["network_errors"] = leg->network_errors();
  out["readable_bytes"] = leg->readable_bytes();
  out["out_of_order_bytes"] = leg->out_of_order_bytes();
  out["out_of_order_runs"] = leg->out_of_order_runs();
  out["out_of_order_segments"] = leg->out_of_order();
  out["retransmitted_segments"] = leg->retransmissions();
  out["sent_bytes"] = leg->sent_bytes();
  out["received_bytes"] = leg->received_bytes();
  out["timer"] = nullptr;
  if (leg->timer() != fbs::TcpTimer::none)
    out["timer"] = {{"name", fbs::EnumNameTcpTimer(leg->timer())}, {"in_ns", leg->timer_in_ns()}};
  return out;
}

Json flow_json(const fbs::FlowStatus& flow) {
  Json out;
  out["session"] = format_session_id(flow.session());
  out["service"] = text(flow.service());
  out["principal"] = text(flow.principal());
  out["client"] = endpoint(flow.client_address(), flow.client_ipv6(), flow.client_port());
  out["server"] = endpoint(flow.server_address(), flow.server_ipv6(), flow.server_port());
  out["vlans"] = Json::array();
  for (const std::uint32_t vlan : {flow.vlans() >> 12, flow.vlans() & 0xfffU})
    if (vlan != 0) out["vlans"].push_back(vlan);
  out["phase"] = fbs::EnumNameFlowPhase(flow.phase());
  out["handling"] = fbs::EnumNameFlowHandling(flow.handling());
  out["protocol"] = schema::policy::EnumNameProtocol(static_cast<schema::policy::Protocol>(flow.protocol()));
  out["mode"] = schema::policy::EnumNameMode(static_cast<schema::policy::Mode>(flow.mode()));
  out["unit_phase"] = fbs::EnumNameUnitPhase(flow.unit_phase());
  out["units"] = flow.units();
  out["pending_units"] = flow.pending_units();
  out["stalled"] = flow.stalled();
  out["held_request_bytes"] = flow.held_request_bytes();
  out["held_response_bytes"] = flow.held_response_bytes();
  out["age_ns"] = flow.age_ns();
  out["idle_ns"] = flow.idle_ns();
  out["client_leg"] = leg_json(flow.client());
  out["server_leg"] = leg_json(flow.server());
  return out;
}

}  // namespace

Json flows_json(const std::vector<MessageBytes>& answer) {
  Json out = {{"flows", Json::array()}, {"more", false}, {"sessions", 0}};
  for (const MessageBytes& message : answer) {
    const auto* part = fbs::GetSizePrefixedEnvelope(message.data())->message_as_Flows();
    if (part == nullptr) continue;
    if (part->flows() != nullptr)
      for (const fbs::FlowStatus* flow : *part->flows()) out["flows"].push_back(flow_json(*flow));
    out["more"] = part->more();
    out["sessions"] = part->sessions();
  }
  return out;
}

}  // namespace sluice::control
