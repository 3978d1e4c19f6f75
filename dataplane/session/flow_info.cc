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
  if (client_leg_) info.client.tcp = client_leg_->info();
  if (server_leg_) info.server.tcp = server_leg_->info();
  if (spliced_) return tell_spliced(info);
  if (!relay_) {
    info.unit_phase = UnitPhase::none;
    info.units = info.pending_units = 0;
    info.held_request_bytes = info.held_response_bytes = 0;
    copy_name(info.principal, policy_->snapshot->principal_of(flow_.client_address));
    return;
  }
  info.unit_phase = relay_->phase();
  info.units = relay_->units();
  info.pending_units = static_cast<std::uint32_t>(relay_->pending());
  info.held_request_bytes = relay_->held_bytes(Direction::request) + request_.waiting_bytes;
  info.held_response_bytes = relay_->held_bytes(Direction::response) + response_.waiting_bytes;
  copy_name(info.principal, relay_->principal());
}

}  // namespace sluice::session
