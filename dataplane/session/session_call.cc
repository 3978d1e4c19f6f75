// A server that closes while a held request waits, or is taken whole for a ticket (many do, after a minute of silence),
// leaves nothing undone: its leg ends, the client hears nothing of it, and when a request that waited may go the server
// is called anew, from the same address and port. What the new connection says comes behind all that the old one said,
// in sequence numbers and in time, so that a host in TIME_WAIT takes it (RFC 6191); and what an old one is left of is
// reset (RFC 9293 section 3.10.7.3).
#include <memory>

#include "dataplane/session/session.h"

namespace sluice::session {
namespace {

constexpr std::uint32_t kBeyondTheLast = 1U << 16;  // in sequence numbers
constexpr DurationNs kCallFor = 10 * kSecond;
constexpr DurationNs kFirstInterval = 300 * kMillisecond;
constexpr unsigned kMostRefusals = 2;  // the first may be about the connection that was

}  // namespace

void Session::follow_server(Context& context, Outputs& outputs) {
  Relay& relay = this->relay();
  if (!relay.takes_whole()) return call_.reset();
  if (relay.is_held()) {
    active_at_ = context.now;  // that it waits is no idleness
    if (client_leg().heard_finish()) return relay.abandon(context);
  }
  const tcp::Leg& server = server_leg();
  const bool left = server.readable_bytes() > 0 || server.heard_finish() || server.state() != tcp::LegState::open;
  if (left && !relay.is_server_absent() && relay.needs_no_server()) leave_server();
  if (relay.wants_server()) call_server(context, outputs);
}

// What it says unasked (408, say) is for nobody.
void Session::leave_server() {
  relay().server_left();
  tcp::Leg& server = server_leg();
  // What waits for its record is of a request that has its answer: the connection that it was for is gone.
  const bool has_waiting = !request_.waiting.empty();
  request_.waiting.clear();
  request_.waiting_bytes = request_.waiting_segments = 0;
  if (has_waiting || server.readable_bytes() > 0 || server.state() != tcp::LegState::open)
    server.abort(ErrorCode::tcp_aborted);
  else
    server.finish();
}

void Session::call_server(Context& context, Outputs& outputs) {
  if (call_ == nullptr) {
    tcp::Leg& old = server_leg();
    handshake_.call_again(old.send_end() + kBeyondTheLast, old.ts_value());
    old.abort(ErrorCode::tcp_aborted);
    call_ = std::make_unique<Call>(
        Call{.again_at = context.now, .give_up_at = context.now + kCallFor, .interval = kFirstInterval});
  }
  if (context.now >= call_->give_up_at) return end_call(context, false);
  if (context.now < call_->again_at) return;
  send_syn(context, outputs);
  call_->again_at = context.now + call_->interval;
  call_->interval *= 2;
}

void Session::end_call(Context& context, bool answered) {
  call_.reset();
  relay().server_called(context, answered);
}

void Session::from_called(Context& context, Outputs& outputs, const wire::Frame& frame) {
  context.session = this;
  const LegTrace trace = trace_of(context, TraceLeg::server);
  trace.received(frame);
  const Handshake::Step step = handshake_.from_server(frame);
  if (step == Handshake::Step::refuse) {
    if (++call_->refusals >= kMostRefusals) return end_call(context, false);
    call_->again_at = context.now + kFirstInterval;
  } else if (step == Handshake::Step::relay_syn_ack) {
    wire::Frame ack;
    ack.options.has_timestamps = true;
    ack.options.ts_value = handshake_.syn_options().ts_value;
    const tcp::LegSetup setup = server_setup(ack);
    tcp::Leg* const leg = &terminated_->server_leg;
    std::destroy_at(leg);
    std::construct_at(leg, setup, limits_.leg, context.pools, context.now);
    server_counts_.sent_through = setup.send_next;
    server_counts_.received_through = setup.receive_next;
    answer_server(context, outputs, setup);
    end_call(context, true);
  } else if ((frame.flags & (wire::kAck | wire::kRst | wire::kSyn)) == wire::kAck) {
    send_handshake(context, outputs, TraceLeg::server, frame.ack, 0, wire::kRst, 0, {});
  }
}

}  // namespace sluice::session
