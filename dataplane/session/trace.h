// How a session's events reach its worker's trace.
#pragma once

#include "common/error.h"
#include "common/trace_ring.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/wire/frame.h"

namespace sluice::session {

// A leg's view: whose it is, and where both sequence spaces begin.
struct LegTrace {
  TraceRing* ring = nullptr;  // nullptr: nothing is traced
  TimeNs now = 0;
  SessionId session = 0;
  TraceLeg leg = TraceLeg::client;
  std::uint32_t seq_begin = 0;
  std::uint32_t ack_begin = 0;

  void segment(TraceKind kind, std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::size_t bytes,
               std::uint16_t window) const {
    if (ring == nullptr) return;
    ring->write({.time_ns = now,
                 .session = session,
                 .kind = kind,
                 .leg = leg,
                 .code = flags,
                 .a = seq - seq_begin,
                 .b = (flags & wire::kAck) != 0 ? ack - ack_begin : 0,
                 .c = trace_length(bytes),
                 .d = window});
  }
  void drop(ErrorCode why, const wire::Frame& frame) const {
    if (ring == nullptr) return;
    ring->write({.time_ns = now,
                 .session = session,
                 .kind = TraceKind::drop,
                 .leg = leg,
                 .code = static_cast<std::uint16_t>(why),
                 .a = frame.seq - seq_begin,
                 .b = (frame.flags & wire::kAck) != 0 ? frame.ack - ack_begin : 0,
                 .c = trace_length(frame.payload_bytes),
                 .d = frame.flags});
  }
  void note(TraceKind kind, std::uint16_t code, std::uint32_t a) const {
    if (ring == nullptr) return;
    ring->write({.time_ns = now, .session = session, .kind = kind, .leg = leg, .code = code, .a = a});
  }
};

// What is noted of the segments that a leg sends.
struct LegWatch {
  LegCounts& counts;
  LegTrace trace;

  void sent(std::uint8_t flags, std::uint32_t seq, std::uint32_t ack, std::uint32_t bytes, std::uint16_t window) {
    const bool again = counts.sent(seq, bytes);
    trace.segment(again ? TraceKind::retransmission : TraceKind::segment_out, flags, seq, ack, bytes, window);
  }
};

}  // namespace sluice::session
