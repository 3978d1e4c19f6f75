// How a session's events reach its worker's trace (common/trace_record.h), and how what crosses a leg is counted.
#pragma once

#include "common/error.h"
#include "common/trace_ring.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/icmp.h"

namespace sluice::session {

// One leg in one burst. Always on and on the way of every segment: no branch asks whether to trace.
struct LegTrace {
  TraceRing& ring;
  LegCounts& counts;
  TimeNs now;
  SessionId session;
  TraceLeg leg;

  void received(const wire::Frame& frame) const {
    counts.received(frame.seq, frame.payload_bytes);
    write({.kind = TraceKind::segment_in,
           .code = frame.flags,
           .a = frame.seq - counts.received_begin,
           .b = acknowledged(frame),
           .c = trace_length(frame.payload_bytes),
           .d = frame.window});
  }
  void sent(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::uint32_t bytes, std::uint16_t window) const {
    const bool again = counts.sent(seq, bytes);
    write({.kind = again ? TraceKind::retransmission : TraceKind::segment_out,
           .code = flags,
           .a = seq - counts.sent_begin,
           .b = (flags & wire::kAck) != 0 ? ack - counts.received_begin : 0,
           .c = trace_length(bytes),
           .d = window});
  }
  // A segment that was received and does not count.
  void drop(ErrorCode why, const wire::Frame& frame) const {
    write({.kind = TraceKind::drop,
           .code = static_cast<std::uint16_t>(why),
           .a = frame.seq - counts.received_begin,
           .b = acknowledged(frame),
           .c = trace_length(frame.payload_bytes),
           .d = frame.flags});
  }
  void network_error(ErrorCode what, const wire::IcmpError& error, std::uint16_t mss) const {
    write({.kind = TraceKind::icmp,
           .code = static_cast<std::uint16_t>(what),
           .a = error.seq - counts.sent_begin,
           .b = std::uint32_t{error.type} << 8 | error.code,
           .c = mss,
           .d = trace_length(error.mtu)});
  }
  void note(TraceKind kind, std::uint16_t code, std::uint32_t a) const { write({.kind = kind, .code = code, .a = a}); }

 private:
  void write(TraceRecord record) const {
    record.time_ns = now;
    record.session = session;
    record.leg = leg;
    ring.write(record);
  }
  [[nodiscard]] std::uint32_t acknowledged(const wire::Frame& frame) const {
    return (frame.flags & wire::kAck) != 0 ? frame.ack - counts.sent_begin : 0;
  }
};

}  // namespace sluice::session
