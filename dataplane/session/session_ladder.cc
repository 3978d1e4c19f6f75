// Down the ladder: a session whose bytes nothing looks at gives up its legs and lets the peers' own segments pass. A
// service of protocol tcp begins so; one of protocol http comes to it after an upgrade, once both legs are quiet.
// Every end of it is seen here all the same, and counted, and on the record.
#include <algorithm>

#include "dataplane/session/session.h"

namespace sluice::session {

// Without legs the client's own ACK goes on, with what it carries, so that the server hears of the client's window and
// of nobody else's. Where the session cannot be on the record yet, that waits until the server asks again.
void Session::establish_spliced(Context& context, Outputs& outputs, const wire::Frame& ack, buffer::Chain&& payload) {
  const tcp::LegSetup client = handshake_.client_leg(ack);
  const tcp::LegSetup server =
      handshake_.server_leg(ack, std::uint32_t{ack.window} << handshake_.server_receive_shift());
  phase_ = Phase::established;
  begin_streams(client, server);
  splice(context, tcp::seam_of(client), tcp::seam_of(server),
         std::string(policy_->snapshot->principal_of(flow_.client_address)), 0);
  trace_of(context, TraceLeg::client).received(ack);
  if (!may_open(context)) {
    context.errors.add(ErrorCode::record_stalled);
    return;
  }
  const Splice::Passage passage = spliced_->splice.note(Direction::request, ack);
  request_.bytes += passage.fresh;
  policy_->counters(service_).request_bytes.add(passage.fresh);
  wire::TcpHeader header = to_server();
  header.seq = server.send_next + (ack.seq - client.receive_next);
  header.ack = server.receive_next;
  header.flags = ack.flags & (wire::kFin | wire::kPsh | wire::kAck);
  header.window = wire::rescaled_window(ack.window, client.send_shift, server.receive_shift);
  header.options.has_timestamps = server.timestamps && ack.options.has_timestamps;
  header.options.ts_value = ack.options.ts_value;
  header.options.ts_echo = ack.options.ts_echo;
  const auto mss =
      static_cast<std::uint16_t>(std::max(server.mss, Splice::kSmallestMss) - wire::tcp_option_bytes(header.options));
  const auto bytes = static_cast<std::uint32_t>(payload.length_bytes());
  if (outputs.server.send(header, mss, std::move(payload)))
    trace_of(context, TraceLeg::server).sent(header.flags, header.seq, header.ack, bytes, header.window);
}

// Of an upgraded connection, when both legs are quiet. From here on neither is ours to acknowledge for: a window that a
// leg promised and the other peer does not keep costs the sender a retransmission, as any that shrinks does.
void Session::step_down(Context& context) {
  const bool waits = !request_.waiting.empty() || !response_.waiting.empty() ||
                     relay().held_bytes(Direction::request) + relay().held_bytes(Direction::response) > 0;
  if (!opened_ || closing_ || stalled_ || waits || relay().fate() != Fate::run) return;
  if (!client_leg().is_quiet() || !server_leg().is_quiet()) return;
  if (relay().service().record == enforce::RecordMode::required && !context.recorder.has_room(kRecordOverhead)) return;
  relay().leave(context);
  splice(context, client_leg().seam(), server_leg().seam(), relay().principal(), relay().units());
  terminated_.reset();
}

void Session::splice(Context& context, const tcp::Seam& client, const tcp::Seam& server, std::string principal,
                     std::uint32_t units) {
  spliced_.reset(new Spliced{.splice = Splice(client, server), .principal = std::move(principal), .units = units});
  const bool plain = spliced_->splice.is_plain();
  ServiceCounters& counters = policy_->counters(service_);
  (plain ? counters.forwarded : counters.spliced).add();
  trace_of(context, TraceLeg::client)
      .note(TraceKind::handling, 0, static_cast<std::uint32_t>(plain ? Handling::forwarded : Handling::spliced));
}

bool Session::pass(Context& context, Outputs& outputs, TraceLeg from, const wire::Frame& frame, rte_mbuf* packet) {
  const bool is_client = from == TraceLeg::client;
  const Direction direction = is_client ? Direction::request : Direction::response;
  Splice& splice = spliced_->splice;
  active_at_ = context.now;
  const LegTrace trace = trace_of(context, from);
  trace.received(frame);
  ErrorCode error = ErrorCode::ok;
  Splice::Passage passage;
  if (!may_open(context)) {  // its sender sends it again
    error = ErrorCode::record_stalled;
  } else {
    passage = splice.note(direction, frame);
    if (!passage.passes) {  // a SYN would begin another connection, past the handshake; RFC 5961 section 4.2
      error = ErrorCode::tcp_out_of_window;
      const Direction back = is_client ? Direction::response : Direction::request;
      if (splice.may_answer(context.now)) send_numbers(context, outputs, back, false);
    } else if (!splice.carry(direction, frame, packet)) {
      error = ErrorCode::frame_truncated;
    }
  }
  if (error != ErrorCode::ok) {
    context.errors.add(error);
    trace.drop(error, frame);
    rte_pktmbuf_free(packet);
    return !opened_;
  }
  if (passage.repeats) context.errors.add(ErrorCode::tcp_repeated_before_splice);
  if (passage.fresh > 0) {
    flow_of(direction).bytes += passage.fresh;
    ServiceCounters& counters = policy_->counters(service_);
    (is_client ? counters.request_bytes : counters.response_bytes).add(passage.fresh);
  }
  (is_client ? server_counts_ : client_counts_).sent(splice.translated_seq(direction, frame.seq), frame.payload_bytes);
  (is_client ? outputs.server : outputs.client).forward(packet);
  return !opened_ || passage.ends;
}

// An empty segment of our own toward the receiver of `direction`.
bool Session::send_numbers(Context& context, Outputs& outputs, Direction direction, bool reset) {
  const Splice::Numbers numbers = spliced_->splice.numbers(direction);
  const bool to_server_side = direction == Direction::request;
  wire::TcpHeader header = to_server_side ? to_server() : to_client();
  header.seq = reset ? numbers.expected_seq : numbers.seq;
  header.ack = numbers.ack;
  header.flags = reset ? wire::kRst | wire::kAck : wire::kAck;
  header.window = reset ? std::uint16_t{0} : numbers.window;
  if (!(to_server_side ? outputs.server : outputs.client).send(header, 0, {})) return false;
  trace_of(context, to_server_side ? TraceLeg::server : TraceLeg::client)
      .sent(header.flags, header.seq, header.ack, 0, header.window);
  return true;
}

// What is forwarded as it is for a service that is only observed goes on without a session just as well: it is let go.
void Session::abort_spliced(ErrorCode why) {
  if (phase_ == Phase::lingering) {
    phase_ = Phase::done;
    return;
  }
  if (closing_) return;
  if (error_ == ErrorCode::ok) error_ = why;
  closing_ = true;
  spliced_->reset_due = !spliced_->splice.is_plain() || service_.mode != enforce::Mode::observe;
}

void Session::run_spliced(Context& context, Outputs& outputs, SessionObserver& observer) {
  if (phase_ == Phase::lingering && context.now >= spliced_->over_at + limits_.leg.time_wait) phase_ = Phase::done;
  if (phase_ != Phase::established) return;
  if (!open_record(context, observer)) stalled_ = true;
  if (context.now >= active_at_ + limits_.idle) abort_spliced(ErrorCode::tcp_idle_timeout);
  if (spliced_->reset_due)
    spliced_->reset_due = !send_numbers(context, outputs, Direction::request, true) ||
                          !send_numbers(context, outputs, Direction::response, true);
  if (opened_ && !spliced_->reset_due && (closing_ || spliced_->splice.state() != Splice::State::open))
    end_spliced(context, observer);
}

// Who finished in order may still repeat it; after a reset there is nobody.
void Session::end_spliced(Context& context, SessionObserver& observer) {
  const Splice::State state = spliced_->splice.state();
  if (error_ == ErrorCode::ok && state == Splice::State::reset_by_client) error_ = ErrorCode::tcp_reset_by_client;
  if (error_ == ErrorCode::ok && state == Splice::State::reset_by_server) error_ = ErrorCode::tcp_reset_by_server;
  if (!close_record(context, observer)) {
    stalled_ = true;
    return;
  }
  spliced_->over_at = context.now;
  phase_ = state == Splice::State::finished && !closing_ ? Phase::lingering : Phase::done;
}

TimeNs Session::spliced_deadline(TimeNs now) const {
  if (phase_ == Phase::lingering) return spliced_->over_at + limits_.leg.time_wait;
  const TimeNs idle = active_at_ + limits_.idle;
  const bool retries = stalled_ || spliced_->reset_due;
  return retries || idle <= now ? now + kRetryAfter : idle;
}

void Session::tell_spliced(FlowInfo& info) const {
  const Splice& splice = spliced_->splice;
  info.handling = splice.is_plain() ? Handling::forwarded : Handling::spliced;
  info.client.tcp = splice.info(Direction::request);
  info.server.tcp = splice.info(Direction::response);
  info.unit_phase = UnitPhase::none;
  info.units = spliced_->units;
  info.pending_units = 0;
  info.held_request_bytes = info.held_response_bytes = 0;
  copy_name(info.principal, spliced_->principal);
}

}  // namespace sluice::session
