// ICMP errors: to the session whose segment they quote, unchanged to the other port, or refused.
#include "dataplane/wire/icmp.h"

#include "dataplane/port/offloads.h"
#include "dataplane/worker/worker.h"

namespace sluice::worker {
namespace {

// Of the quoted segment, which went out to `side` under the tags that the error came under.
session::FlowKey quoted_flow(const wire::Frame& frame, const wire::IcmpError& error, Side side) {
  wire::Frame quoted;
  quoted.link = frame.link;
  quoted.source = error.source;
  quoted.destination = error.destination;
  quoted.source_port = error.source_port;
  quoted.destination_port = error.destination_port;
  return session::flow_key(quoted, side == Side::server);
}

}  // namespace

void Worker::dispatch_icmp(Side side, Arrival& arrival) {
  const enforce::Snapshot& policy = *context_.policy->snapshot;
  const wire::Frame& frame = arrival.frame;
  rte_mbuf* packet = arrival.packet;
  const wire::IcmpError error =
      wire::read_icmp_error({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, frame);
  const bool is_error = error.kind != wire::IcmpKind::none;
  if (!is_error || error.quoted == wire::Quoted::nothing || error.quoted == wire::Quoted::other)
    return forward(side, frame, packet);
  if (error.quoted == wire::Quoted::addresses) {
    // Hosts may read more of it than Sluice does.
    if (!policy.is_protected(side == Side::server ? error.destination : error.source))
      return forward(side, frame, packet);
    return drop(side, frame, packet, ErrorCode::icmp_unreadable);
  }

  const session::FlowKey flow = quoted_flow(frame, error, side);
  session::Session* session = table_.find(flow);
  const enforce::Service* service = policy.find_service(flow.server_address, flow.server_port);
  if (session == nullptr && service == nullptr) return forward(side, frame, packet);
  if (!port::icmp_checksum_ok(packet, frame)) return drop(side, frame, packet, ErrorCode::icmp_bad_checksum);
  if (session == nullptr) {
    // As mid-stream segments of no known session.
    if (service->mode == enforce::Mode::observe) return forward(side, frame, packet);
    return drop(side, frame, packet, ErrorCode::icmp_unknown_flow);
  }
  if (error.fragment) return drop(side, frame, packet, ErrorCode::icmp_blind);  // Sluice sends none
  const bool was_half_open = session->half_open();
  std::uint32_t seq = 0;
  const ErrorCode result = session->from_network(context_, outputs_, static_cast<TraceLeg>(side), error, seq);
  if (was_half_open && !session->half_open()) end_half_open(*session);
  queue(*session);
  if (result == ErrorCode::icmp_relayed) {
    wire::requote({rte_pktmbuf_mtod(packet, std::uint8_t*), packet->data_len}, frame, error, seq);
    return forward(side, frame, packet);
  }
  rte_pktmbuf_free(packet);
}

}  // namespace sluice::worker
