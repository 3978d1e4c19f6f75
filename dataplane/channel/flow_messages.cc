// Live sessions as they stand on the channel; see messages.h.
#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/channel/envelope.h"
#include "dataplane/channel/messages.h"

namespace sluice::channel {
namespace {

namespace fbs = sluice::schema::channel;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

static_assert(static_cast<int>(fbs::TcpState::closed) == static_cast<int>(tcp::TcpState::closed));
static_assert(static_cast<int>(fbs::TcpTimer::time_wait) == static_cast<int>(tcp::PendingTimer::time_wait));
static_assert(static_cast<int>(fbs::FlowPhase::done) == static_cast<int>(session::FlowPhase::done));
static_assert(static_cast<int>(fbs::FlowHandling::forwarded) == static_cast<int>(session::Handling::forwarded));
static_assert(static_cast<int>(fbs::UnitPhase::response) == static_cast<int>(session::UnitPhase::response));

Offset<fbs::LegStatus> leg_status(FlatBufferBuilder& builder, const session::FlowLeg& leg, TimeNs now) {
  const tcp::LegInfo& tcp = leg.tcp;
  fbs::LegStatusBuilder out(builder);
  out.add_state(static_cast<fbs::TcpState>(tcp.state));
  out.add_timer(static_cast<fbs::TcpTimer>(tcp.timer));
  if (tcp.timer != tcp::PendingTimer::none) out.add_timer_in_ns(tcp.timer_at - std::min(tcp.timer_at, now));
  out.add_send_shift(tcp.send_shift);
  out.add_receive_shift(tcp.receive_shift);
  out.add_timestamps(tcp.timestamps);
  out.add_in_recovery(tcp.in_recovery);
  out.add_ecn(tcp.ecn);
  out.add_path_lowered(tcp.path_lowered);
  out.add_congestion_echoes(tcp.congestion_echoes);
  out.add_network_errors(tcp.network_errors);
  out.add_mss(tcp.mss);
  out.add_receive_mss(tcp.receive_mss);
  out.add_backoff(tcp.backoff);
  out.add_congestion_window_bytes(tcp.congestion_window_bytes);
  out.add_slow_start_threshold_bytes(tcp.slow_start_threshold_bytes);
  out.add_in_flight_bytes(tcp.in_flight_bytes);
  out.add_unacked_segments(tcp.unacked_segments);
  out.add_unsent_bytes(tcp.unsent_bytes);
  out.add_send_window_bytes(tcp.send_window_bytes);
  out.add_receive_window_bytes(tcp.receive_window_bytes);
  out.add_readable_bytes(tcp.readable_bytes);
  out.add_out_of_order_bytes(tcp.out_of_order_bytes);
  out.add_out_of_order_runs(tcp.out_of_order_runs);
  out.add_smoothed_rtt_ns(tcp.smoothed_rtt_ns);
  out.add_rtt_variance_ns(tcp.rtt_variance_ns);
  out.add_retransmission_timeout_ns(tcp.retransmission_timeout_ns);
  out.add_sent_bytes(leg.counts.sent_bytes);
  out.add_received_bytes(leg.received_bytes);
  out.add_retransmissions(leg.counts.retransmissions);
  out.add_out_of_order(leg.counts.out_of_order);
  return out.Finish();
}

Offset<fbs::FlowStatus> flow_status(FlatBufferBuilder& builder, const session::FlowInfo& flow, TimeNs now) {
  const auto service = builder.CreateString(flow.service);
  const auto principal = builder.CreateString(flow.principal);
  const auto client = leg_status(builder, flow.client, now);
  const auto server = leg_status(builder, flow.server, now);
  fbs::FlowStatusBuilder out(builder);
  out.add_session(flow.session);
  out.add_service(service);
  out.add_principal(principal);
  if (flow.key.client_address.is_ipv4()) {
    out.add_client_address(flow.key.client_address.ipv4());
    out.add_server_address(flow.key.server_address.ipv4());
  } else {
    const fbs::Ipv6 client_ipv6(flow.key.client_address.high, flow.key.client_address.low);
    const fbs::Ipv6 server_ipv6(flow.key.server_address.high, flow.key.server_address.low);
    out.add_client_ipv6(&client_ipv6);
    out.add_server_ipv6(&server_ipv6);
  }
  out.add_client_port(flow.key.client_port);
  out.add_server_port(flow.key.server_port);
  out.add_vlans(flow.key.vlans);
  out.add_phase(static_cast<fbs::FlowPhase>(flow.phase));
  out.add_handling(static_cast<fbs::FlowHandling>(flow.handling));
  out.add_unit_phase(static_cast<fbs::UnitPhase>(flow.unit_phase));
  out.add_stalled(flow.stalled);
  out.add_protocol(flow.protocol);
  out.add_mode(flow.mode);
  out.add_units(flow.units);
  out.add_pending_units(flow.pending_units);
  out.add_held_request_bytes(flow.held_request_bytes);
  out.add_held_response_bytes(flow.held_response_bytes);
  out.add_age_ns(flow.age_ns);
  out.add_idle_ns(flow.idle_ns);
  out.add_client(client);
  out.add_server(server);
  return out.Finish();
}

// The networks of either family; without a mask that of all.
FlowNetwork network(const fbs::Ipv6* ipv6, unsigned ipv6_bits, std::uint32_t address, std::uint32_t mask) {
  if (ipv6 == nullptr && mask == 0) return {};
  const unsigned bits = ipv6 != nullptr ? std::min(ipv6_bits, kAddressBits)
                                        : kIpv4PrefixBits + static_cast<unsigned>(std::countl_one(mask));
  const IpAddress given = ipv6 != nullptr ? IpAddress(ipv6->high(), ipv6->low()) : IpAddress(address);
  return {.address = given.prefix(bits), .bits = static_cast<std::uint8_t>(bits)};
}

}  // namespace

Bytes encode_flows(FlatBufferBuilder& builder, std::uint64_t request_id, std::span<const session::FlowInfo> rows,
                   const FlowProgress& progress, TimeNs now) {
  builder.Clear();
  std::vector<Offset<fbs::FlowStatus>> flows;
  flows.reserve(rows.size());
  for (const session::FlowInfo& row : rows) flows.push_back(flow_status(builder, row, now));
  const auto list = builder.CreateVector(flows);
  fbs::FlowsBuilder out(builder);
  out.add_request_id(request_id);
  out.add_flows(list);
  out.add_last(progress.last);
  out.add_more(progress.more);
  out.add_error(static_cast<std::uint16_t>(progress.error));
  out.add_sessions(progress.sessions);
  return finish(builder, out.Finish());
}

FlowQuery decode(const fbs::FlowsRequest& request) {
  FlowQuery query;
  query.limit = std::min(request.limit(), kMostFlows);
  query.session = request.session();
  if (request.service() != nullptr) copy_name(query.service, request.service()->string_view());
  if (request.principal() != nullptr) copy_name(query.principal, request.principal()->string_view());
  query.client =
      network(request.client_ipv6(), request.client_ipv6_bits(), request.client_address(), request.client_mask());
  query.client_port = request.client_port();
  query.server =
      network(request.server_ipv6(), request.server_ipv6_bits(), request.server_address(), request.server_mask());
  query.server_port = request.server_port();
  query.states = request.states();
  query.min_age_ns = request.min_age_ns();
  query.min_bytes = request.min_bytes();
  return query;
}

}  // namespace sluice::channel
