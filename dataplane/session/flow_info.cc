// See flow_info.h: what a session tells of itself.
#include "dataplane/session/flow_info.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "dataplane/session/session.h"

namespace sluice::session {

void Session::tell(FlowInfo& info, TimeNs now) const {
  info.session = id_;
  info.key = flow_;
  info.phase = static_cast<FlowPhase>(phase_);
  info.handling = Handling::terminated;
  info.at_rest = at_rest_ != nullptr;
  info.stalled = stalled_;
  info.protocol = static_cast<std::uint8_t>(service_.protocol);
  info.mode = static_cast<std::uint8_t>(service_.mode);
  info.age_ns = now - std::min(now, began_at_);
  info.idle_ns = now - std::min(now, active_at_);
  copy_name(info.service, service_.name);
  info.client = {.tcp = {.state = tcp::TcpState::syn_received}, .counts = client_counts_};
  info.server = {.tcp = {.state = tcp::TcpState::syn_sent}, .counts = server_counts_};
  info.client.received_bytes = request_.bytes;
  info.server.received_bytes = response_.bytes;
  if (spliced_ != nullptr) return tell_spliced(info);
  if (terminated_ != nullptr) return tell_terminated(info, *terminated_);
  if (at_rest_ != nullptr) return tell_terminated(info, *awake(now));
  info.unit_phase = UnitPhase::none;
  info.units = info.pending_units = 0;
  info.held_request_bytes = info.held_response_bytes = 0;
  copy_name(info.principal, policy_->snapshot->principal_of(flow_.client_address));
}

void Session::tell_terminated(FlowInfo& info, const Terminated& terminated) const {
  info.client.tcp = terminated.client_leg.info();
  info.server.tcp = terminated.server_leg.info();
  const Relay& relay = terminated.relay;
  info.unit_phase = relay.phase();
  info.units = relay.units();
  info.pending_units = static_cast<std::uint32_t>(relay.pending());
  info.held_request_bytes = relay.held_bytes(Direction::request) + request_.waiting_bytes;
  info.held_response_bytes = relay.held_bytes(Direction::response) + response_.waiting_bytes;
  copy_name(info.principal, relay.principal());
}

}  // namespace sluice::session
