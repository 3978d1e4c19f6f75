// What a session tells the worker's trace; see common/trace_record.h.
#include "dataplane/session/session.h"

namespace sluice::session {

static_assert(static_cast<int>(tcp::LegState::time_wait) == 1 && static_cast<int>(tcp::LegState::closed) == 2);

// What comes over a leg counts in the sequence space of its peer, and acknowledges in the far one's.
LegTrace Session::trace_in(const Context& context, TraceLeg leg) const {
  const bool is_client = leg == TraceLeg::client;
  return {.ring = context.trace,
          .now = context.now,
          .session = id_,
          .leg = leg,
          .seq_begin = is_client ? handshake_.client_isn() : handshake_.server_isn(),
          .ack_begin = is_client ? handshake_.server_isn_for_client() : handshake_.client_isn()};
}

LegTrace Session::trace_out(const Context& context, TraceLeg leg) const {
  LegTrace trace = trace_in(context, leg);
  std::swap(trace.seq_begin, trace.ack_begin);
  return trace;
}

void Session::trace_phase(const Context& context) {
  if (phase_ == traced_phase_ || context.trace == nullptr) return;
  traced_phase_ = phase_;
  context.trace->write({.time_ns = context.now,
                        .session = id_,
                        .kind = TraceKind::phase,
                        .code = static_cast<std::uint16_t>(error_),
                        .a = flow_.client_address,
                        .b = std::uint32_t{flow_.client_port} << 16 | flow_.server_port,
                        .c = static_cast<std::uint16_t>(phase_)});
}

// Before the legs do what is due.
void Session::trace_timers(const Context& context) const {
  for (const TraceLeg which : {TraceLeg::client, TraceLeg::server}) {
    const tcp::Leg& leg = which == TraceLeg::client ? *client_leg_ : *server_leg_;
    if (leg.next_deadline() > context.now) continue;
    const tcp::LegInfo info = leg.info();
    const bool is_main = info.timer != tcp::PendingTimer::none && info.timer_at <= context.now;
    trace_in(context, which)
        .note(TraceKind::timer, is_main ? static_cast<std::uint16_t>(info.timer) : std::uint16_t{0},
              is_main ? info.backoff : 0);
  }
}

// After they did.
void Session::trace_ends(const Context& context) {
  for (const TraceLeg which : {TraceLeg::client, TraceLeg::server}) {
    const tcp::Leg& leg = which == TraceLeg::client ? *client_leg_ : *server_leg_;
    tcp::LegState& last = traced_states_[static_cast<std::size_t>(which)];
    if (leg.state() == last) continue;
    last = leg.state();
    trace_in(context, which)
        .note(TraceKind::leg_state, static_cast<std::uint16_t>(leg.closed_by()), static_cast<std::uint32_t>(last));
  }
}

}  // namespace sluice::session
