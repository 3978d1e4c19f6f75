// What is done with a frame: to its session, unchanged to the other port, or refused.
#include "dataplane/port/offloads.h"
#include "dataplane/wire/frame.h"
#include "dataplane/worker/worker.h"

namespace sluice::worker {
namespace {

// Without headers and Ethernet padding.
buffer::Chain payload_of(const wire::Frame& frame, rte_mbuf* packet) {
  if (frame.payload_bytes != 0) return buffer::Chain::payload_of(packet, frame.payload_offset, frame.payload_bytes);
  rte_pktmbuf_free(packet);
  return {};
}

bool is_syn(const wire::Frame& frame) {
  return (frame.flags & (wire::kSyn | wire::kAck | wire::kRst)) == wire::kSyn;
}

}  // namespace

void Worker::refuse(Side side, const wire::Frame& frame, ErrorCode why) {
  errors_.add(why);
  trace_.write({.time_ns = context_.now,
                .kind = TraceKind::drop,
                .leg = static_cast<TraceLeg>(side),
                .code = static_cast<std::uint16_t>(why),
                .a = frame.source.ipv4(),
                .b = std::uint32_t{frame.source_port} << 16 | frame.destination_port,
                .c = trace_length(frame.payload_bytes),
                .d = static_cast<std::uint16_t>(frame.flags | trace_family(frame.source))});
}

void Worker::drop(Side side, const wire::Frame& frame, rte_mbuf* packet, ErrorCode why) {
  refuse(side, frame, why);
  rte_pktmbuf_free(packet);
}

void Worker::forward(Side from, const wire::Frame& frame, rte_mbuf* packet) {
  if (!port::prepare_forward(packet)) {
    drop(from, frame, packet, ErrorCode::frame_truncated);
    return;
  }
  (from == Side::client ? server_output_ : client_output_).forward(packet);
}

// What would carry a protected service around the inspection.
bool Worker::is_refused(Side side, const wire::Frame& frame, ErrorCode& why) const {
  const enforce::Snapshot& policy = *context_.policy->snapshot;
  if (frame.kind == wire::FrameKind::closed) {
    why = frame.error;
    return policy.is_protected(side == Side::client ? frame.destination : frame.source);
  }
  if (frame.kind == wire::FrameKind::udp) {
    const enforce::Service* service = side == Side::client
                                          ? policy.find_service(frame.destination, frame.destination_port)
                                          : policy.find_service(frame.source, frame.source_port);
    why = ErrorCode::udp_refused;
    return service != nullptr && service->mode == enforce::Mode::enforce;
  }
  return false;
}

// Reads the burst's frames and has the memory of their sessions on its way. A frame may still open or end a session
// that a later one belongs to, so each is looked up again when its turn comes.
void Worker::look_up(Side side, std::span<rte_mbuf* const> packets) {
  arrivals_.read(packets);
  for (Arrival& arrival : arrivals_.all()) {
    arrival.likely = nullptr;
    if (arrival.frame.kind != wire::FrameKind::tcp) continue;
    arrival.flow = session::flow_key(arrival.frame, side == Side::client);
    arrival.flow_hash = table_.hash(arrival.flow);
    table_.prefetch_slot(arrival.flow_hash);
  }
  for (Arrival& arrival : arrivals_.all())
    if (arrival.frame.kind == wire::FrameKind::tcp) arrival.likely = table_.prefetch_session(arrival.flow_hash);
  for (const Arrival& arrival : arrivals_.all())
    if (arrival.likely != nullptr) arrival.likely->prefetch_legs();
}

// True when the frames of a run went to their session as one segment, which is what comes of them one by one.
bool Worker::take_run(Side side, Arrival& run) {
  session::Session* session = context_.policy == nullptr ? nullptr : table_.find(run.flow, run.flow_hash);
  const auto from = static_cast<TraceLeg>(side);
  if (session == nullptr || !session->takes_run(from, run.frame, run.run_in()) || !arrivals_.checksums_ok(run))
    return false;
  buffer::Chain payload = arrivals_.join(run);
  if (side == Side::client)
    session->from_client(context_, outputs_, run.frame, std::move(payload));
  else
    session->from_server(context_, outputs_, run.frame, std::move(payload));
  queue(*session);
  return true;
}

void Worker::dispatch(Side side, Arrival& arrival) {
  const wire::Frame& frame = arrival.frame;
  rte_mbuf* packet = arrival.packet;
  if (frame.kind == wire::FrameKind::bad) {
    drop(side, frame, packet, frame.error);
  } else if (frame.kind == wire::FrameKind::other) {
    forward(side, frame, packet);
  } else if (context_.policy == nullptr) {
    drop(side, frame, packet, ErrorCode::no_policy);  // what is protected is not known yet: closed
  } else if (frame.kind == wire::FrameKind::tcp) {
    dispatch_tcp(side, arrival);
  } else if (frame.kind == wire::FrameKind::fragment) {
    dispatch_fragment(side, arrival);
  } else if (frame.kind == wire::FrameKind::icmp) {
    dispatch_icmp(side, arrival);
  } else if (ErrorCode why{}; is_refused(side, frame, why)) {
    drop(side, frame, packet, why);
  } else {
    forward(side, frame, packet);
  }
}

// To and from protected addresses only whole segments of a service go on.
void Worker::dispatch_fragment(Side side, Arrival& arrival) {
  const enforce::Snapshot& policy = *context_.policy->snapshot;
  const bool from_client = side == Side::client;
  rte_mbuf* packet = arrival.packet;
  const wire::Frame part = arrival.frame;
  if (!policy.is_protected(from_client ? part.destination : part.source)) return forward(side, part, packet);

  const wire::Fragment fragment =
      wire::read_fragment({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, part);
  const auto* payload = static_cast<const std::uint8_t*>(
      rte_pktmbuf_read(packet, fragment.payload_offset, fragment.payload_bytes, fragments_.scratch().data()));
  Bytes whole;
  const ErrorCode error = payload == nullptr ? ErrorCode::frame_truncated
                                             : fragments_.add(part, fragment, from_client,
                                                              {payload, fragment.payload_bytes}, context_.now, whole);
  for (std::uint64_t expired = fragments_.take_expired(); expired > 0; --expired)
    errors_.add(ErrorCode::fragment_expired);
  if (error != ErrorCode::ok) return drop(side, part, packet, error);
  rte_pktmbuf_free(packet);
  if (whole.empty()) {  // kept until the rest comes
    trace_.write({.time_ns = context_.now,
                  .kind = TraceKind::segment_in,
                  .leg = static_cast<TraceLeg>(side),
                  .c = trace_length(fragment.payload_bytes)});
    return;
  }

  wire::parse(whole, whole.size(), arrival.frame);
  const wire::Frame& frame = arrival.frame;
  if (frame.kind != wire::FrameKind::tcp)
    return refuse(side, frame, frame.error == ErrorCode::ok ? ErrorCode::fragment_refused : frame.error);
  arrival.flow = session::flow_key(frame, from_client);
  arrival.flow_hash = table_.hash(arrival.flow);
  // What would be passed on is not: it may be larger than what the other port takes.
  const enforce::Service* service = policy.find_service(arrival.flow.server_address, arrival.flow.server_port);
  const bool opens = from_client && is_syn(frame);
  const bool passes = service == nullptr || (service->mode == enforce::Mode::observe && !opens);
  if (passes && table_.find(arrival.flow, arrival.flow_hash) == nullptr)
    return refuse(side, frame, ErrorCode::fragment_refused);
  buffer::Chain copy;
  if (!copy.append_copy(context_.pools, whole)) return refuse(side, frame, ErrorCode::buffers_exhausted);
  arrival.packet = copy.to_packet();
  dispatch_tcp(side, arrival);
}

void Worker::dispatch_tcp(Side side, Arrival& arrival) {
  const bool from_client = side == Side::client;
  const wire::Frame& frame = arrival.frame;
  rte_mbuf* packet = arrival.packet;
  const session::FlowKey& flow = arrival.flow;
  session::Session* session = table_.find(flow, arrival.flow_hash);
  const bool opens = from_client && is_syn(frame);
  if (session == nullptr || (opens && session->gives_way_to(frame))) {
    const enforce::Service* service = context_.policy->snapshot->find_service(flow.server_address, flow.server_port);
    if (service == nullptr && session == nullptr) {
      forward(side, frame, packet);
      return;
    }
    if (!port::tcp_checksum_ok(packet, frame)) {
      drop(side, frame, packet, ErrorCode::tcp_bad_checksum);
      return;
    }
    if (service == nullptr || !opens) {
      if (service != nullptr && from_client && accept_cookie(arrival, *service))
        rte_pktmbuf_free(packet);
      else if (service != nullptr)
        unknown_flow(side, frame, *service, packet);
      else
        drop(side, frame, packet, ErrorCode::unknown_flow_refused);
      return;
    }
    if (session != nullptr) remove(session);
    session = open_session(arrival, *service);
    if (session == nullptr) {
      rte_pktmbuf_free(packet);
      return;
    }
  } else if (!port::tcp_checksum_ok(packet, frame)) {
    drop(side, frame, packet, ErrorCode::tcp_bad_checksum);
    return;
  }
  if (session->is_spliced()) {
    if (session->pass(context_, outputs_, static_cast<TraceLeg>(side), frame, packet)) queue(*session);
    return;
  }
  const bool was_half_open = session->half_open();
  buffer::Chain payload = payload_of(frame, packet);
  if (from_client)
    session->from_client(context_, outputs_, frame, std::move(payload));
  else
    session->from_server(context_, outputs_, frame, std::move(payload));
  if (was_half_open && !session->half_open()) end_half_open(*session);
  queue(*session);
}

// In the middle of a connection that Sluice does not know (it began before Sluice, or before a restart).
void Worker::unknown_flow(Side side, const wire::Frame& frame, const enforce::Service& service, rte_mbuf* packet) {
  if (service.mode == enforce::Mode::observe) {
    forward(side, frame, packet);
    return;
  }
  if ((frame.flags & wire::kRst) == 0) reset_sender(side, frame);
  drop(side, frame, packet, ErrorCode::unknown_flow_refused);
}

// RFC 9293 section 3.10.7.1: the answer to a segment of a connection that does not exist.
void Worker::reset_sender(Side side, const wire::Frame& frame) {
  wire::TcpHeader reset = wire::answer_to(frame);
  if ((frame.flags & wire::kAck) != 0) {
    reset.seq = frame.ack;
    reset.flags = wire::kRst;
  } else {
    reset.ack = frame.seq + frame.payload_bytes + ((frame.flags & wire::kSyn) != 0 ? 1 : 0) +
                ((frame.flags & wire::kFin) != 0 ? 1 : 0);
    reset.flags = wire::kRst | wire::kAck;
  }
  (side == Side::client ? client_output_ : server_output_).send(reset, 0, {});
}

}  // namespace sluice::worker
