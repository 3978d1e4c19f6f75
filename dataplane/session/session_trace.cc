// What a session tells the worker's trace; see common/trace_record.h.
#include "dataplane/session/session.h"

namespace sluice::session {

static_assert(static_cast<int>(tcp::LegState::time_wait) == 1 && static_cast<int>(tcp::LegState::closed) == 2);

// While the handshake goes on, as far as it is known.
void Session::begin_counts() {
  client_counts_.received_begin = server_counts_.sent_begin = handshake_.client_isn();
  client_counts_.sent_begin = handshake_.server_isn_for_client();
  server_counts_.received_begin = handshake_.server_isn();
}

// Both streams begin.
void Session::begin_streams(const tcp::LegSetup& client, const tcp::LegSetup& server) {
  client_counts_.out_of_order = server_counts_.out_of_order = 0;  // what the handshake brought is not in order yet
  client_counts_.sent_through = client.send_next;
  client_counts_.received_through = client.receive_next;
  server_counts_.sent_through = server.send_next;
  server_counts_.received_through = server.receive_next;
}

void Session::trace_phase(const Context& context) {
  if (phase_ == traced_phase_) return;
  traced_phase_ = phase_;
  context.trace.write({.time_ns = context.now,
                       .session = id_,
                       .kind = TraceKind::phase,
                       .code = static_cast<std::uint16_t>(error_),
                       .a = flow_.client_address.ipv4(),
                       .b = std::uint32_t{flow_.client_port} << 16 | flow_.server_port,
                       .c = static_cast<std::uint16_t>(phase_),
                       .d = trace_family(flow_.client_address)});
}

// Before the legs do what is due.
void Session::trace_timers(const Context& context) {
  for (const TraceLeg which : {TraceLeg::client, TraceLeg::server}) {
    const tcp::Leg& leg = which == TraceLeg::client ? client_leg() : server_leg();
    if (leg.next_deadline() > context.now) continue;
    const tcp::LegInfo info = leg.info();
    const bool is_main = info.timer != tcp::PendingTimer::none && info.timer_at <= context.now;
    trace_of(context, which)
        .note(TraceKind::timer, is_main ? static_cast<std::uint16_t>(info.timer) : std::uint16_t{0},
              is_main ? info.backoff : 0);
  }
}

// After they did.
void Session::trace_ends(const Context& context) {
  for (const TraceLeg which : {TraceLeg::client, TraceLeg::server}) {
    const tcp::Leg& leg = which == TraceLeg::client ? client_leg() : server_leg();
    tcp::LegState& last = traced_states_[static_cast<std::size_t>(which)];
    if (leg.state() == last) continue;
    last = leg.state();
    trace_of(context, which)
        .note(TraceKind::leg_state, static_cast<std::uint16_t>(leg.closed_by()), static_cast<std::uint32_t>(last));
  }
}

}  // namespace sluice::session
