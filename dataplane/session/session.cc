// The life of a session; see session.h. How bytes move lies in session_move.cc.
#include "dataplane/session/session.h"

#include <algorithm>

#include "common/assert.h"
#include "common/stage_clock.h"

namespace sluice::session {
namespace {

constexpr std::size_t kRecordBytes = 1024;  // for which the recorder counts on one record
constexpr std::size_t kBufferBytes = 2304;  // what a frame buffer takes, with its mbuf

tcp::SegmentIn segment_of(const wire::Frame& frame, buffer::Chain&& payload) {
  return {.seq = frame.seq,
          .ack = frame.ack,
          .window = frame.window,
          .flags = static_cast<std::uint8_t>(frame.flags & ~wire::kUrg),
          .congested = (frame.tos & wire::kEcnMask) == wire::kCongestionExperienced,
          .has_timestamps = frame.options.has_timestamps,
          .ts_value = frame.options.ts_value,
          .ts_echo = frame.options.ts_echo,
          .sack = frame.sack.all(),
          .payload = std::move(payload)};
}

}  // namespace

Session::Session(const FlowKey& flow, SessionId id, PolicyRef policy, const enforce::Service& service,
                 const SessionLimits& limits, std::uint16_t mss_limit, TimeNs now)
    : flow_(flow),
      id_(id),
      active_at_(now),
      policy_(std::move(policy)),
      service_(service),
      limits_(limits),
      began_at_(now),
      handshake_(mss_limit) {}

Session::~Session() = default;

Relay& Session::Terminated::make_relay(const Session& session, const HashKey& key) {
  const IpAddress& client = session.flow_.client_address;
  const IpAddress& server = session.flow_.server_address;
  if (session.service_.protocol == enforce::Protocol::postgres)
    return *(postgres =
                 std::make_unique<PostgresRelay>(session.policy_, session.service_, session.id_, client, server, key));
  return http.emplace(session.policy_, session.service_, session.id_, client, server);
}

// Before a server was heard, frames to the client go where its own came from.
wire::TcpHeader Session::to_client() const {
  return {.link = server_carrier_.link.length != 0 ? server_carrier_.link : wire::turned_around(client_carrier_.link),
          .source = flow_.server_address,
          .destination = flow_.client_address,
          .source_port = flow_.server_port,
          .destination_port = flow_.client_port,
          .flow_label = server_carrier_.flow_label,
          .tos = server_carrier_.traffic_class,
          .options = {}};
}

wire::TcpHeader Session::to_server() const {
  return {.link = client_carrier_.link,
          .source = flow_.client_address,
          .destination = flow_.server_address,
          .source_port = flow_.client_port,
          .destination_port = flow_.server_port,
          .flow_label = client_carrier_.flow_label,
          .tos = client_carrier_.traffic_class,
          .options = {}};
}

void Session::send_handshake(Context& context, Outputs& outputs, TraceLeg to, std::uint32_t seq, std::uint32_t ack,
                             std::uint8_t flags, std::uint16_t window, const wire::TcpOptions& options) {
  const bool is_client = to == TraceLeg::client;
  wire::TcpHeader header = is_client ? to_client() : to_server();
  header.seq = seq;
  header.ack = ack;
  header.flags = flags;
  header.window = window;
  header.options = options;
  // What is lost here is sent again by the peer that stands behind it.
  if ((is_client ? outputs.client : outputs.server).send(header, 0, {}))
    trace_of(context, to).sent(flags, seq, ack, 0, window);
}

// After the handshake.
void Session::from_peer(Context& context, TraceLeg from, const wire::Frame& frame, buffer::Chain&& payload) {
  const bool is_client = from == TraceLeg::client;
  const LegTrace trace = trace_of(context, from);
  trace.received(frame);
  ErrorCode error = ErrorCode::tcp_session_over;
  if (at_rest_ != nullptr) wake(context.now);
  if (terminated_ != nullptr) {
    tcp::Leg& near = is_client ? client_leg() : server_leg();
    tcp::Leg& far = is_client ? server_leg() : client_leg();
    if (frame.options.has_timestamps) far.set_ts_value(frame.options.ts_value);
    error = near.input(segment_of(frame, std::move(payload)), context.now);
    if (limits_.leg.relay_keepalives) relay_keepalive(from, near, far);
  }
  if (error == ErrorCode::ok) return;
  context.errors.add(error);
  trace.drop(error, frame);
}

bool Session::takes_run(TraceLeg from, const wire::Frame& first, const tcp::RunIn& run) const {
  if (terminated_ == nullptr) return false;
  const tcp::Leg& near = from == TraceLeg::client ? client_leg() : server_leg();
  return near.takes_run(segment_of(first, {}), run);
}

// A probe from one peer is answered when the other was heard; where that one is gone already, at once.
void Session::relay_keepalive(TraceLeg from, tcp::Leg& near, tcp::Leg& far) {
  bool& near_waits = keepalive_waits_[static_cast<std::size_t>(from)];
  bool& far_waits = keepalive_waits_[1 - static_cast<std::size_t>(from)];
  if (far_waits) far.answer_keepalive();
  far_waits = false;
  if (!near.take_keepalive()) return;
  near_waits = far.state() == tcp::LegState::open;
  near_waits ? far.send_keepalive() : near.answer_keepalive();
}

void Session::from_client(Context& context, Outputs& outputs, const wire::Frame& frame, buffer::Chain&& payload) {
  client_carrier_.take(frame);
  active_at_ = context.now;
  if (phase_ != Phase::handshake) return from_peer(context, TraceLeg::client, frame, std::move(payload));
  const Handshake::Step step = handshake_.from_client(frame);
  if (step == Handshake::Step::establish) {
    if (service_.protocol == enforce::Protocol::tcp)
      return establish_spliced(context, outputs, frame, std::move(payload));
    establish(context, outputs, frame);
    return from_peer(context, TraceLeg::client, frame, std::move(payload));
  }
  begin_counts();
  const LegTrace trace = trace_of(context, TraceLeg::client);
  trace.received(frame);
  if (step == Handshake::Step::relay_syn) {
    send_syn(context, outputs);
  } else if (step == Handshake::Step::give_up) {
    send_handshake(context, outputs, TraceLeg::server, frame.seq, 0, wire::kRst, 0, {});
    phase_ = Phase::done;
  } else {
    context.errors.add(ErrorCode::tcp_out_of_handshake);
    trace.drop(ErrorCode::tcp_out_of_handshake, frame);
  }
}

void Session::from_server(Context& context, Outputs& outputs, const wire::Frame& frame, buffer::Chain&& payload) {
  server_carrier_.take(frame);
  active_at_ = context.now;
  if (call_ != nullptr && (phase_ != Phase::established || !relay().is_held())) call_.reset();
  if (call_ != nullptr) return from_called(context, outputs, frame);
  if (phase_ != Phase::handshake) return from_peer(context, TraceLeg::server, frame, std::move(payload));
  const Handshake::Step step = handshake_.from_server(frame);
  begin_counts();
  const LegTrace trace = trace_of(context, TraceLeg::server);
  trace.received(frame);
  if (step == Handshake::Step::relay_syn_ack) {
    send_handshake(context, outputs, TraceLeg::client, frame.seq, frame.ack, handshake_.syn_ack_flags(), frame.window,
                   handshake_.syn_ack_options());
  } else if (step == Handshake::Step::refuse) {
    const std::uint32_t seq = handshake_.by_cookie() ? handshake_.server_isn_for_client() + 1 : frame.seq;
    send_handshake(context, outputs, TraceLeg::client, seq, frame.ack, wire::kRst | wire::kAck, 0, {});
    context.errors.add(ErrorCode::tcp_refused_by_server);
    phase_ = Phase::done;
  } else if (step == Handshake::Step::establish) {
    wire::Frame client_ack;  // of long ago
    client_ack.flags = wire::kAck;
    client_ack.seq = handshake_.client_isn() + 1;
    client_ack.ack = handshake_.server_isn_for_client() + 1;
    client_ack.window = handshake_.client_window();
    if (service_.protocol == enforce::Protocol::tcp) return establish_spliced(context, outputs, client_ack, {});
    establish(context, outputs, client_ack);
  } else {
    context.errors.add(ErrorCode::tcp_out_of_handshake);
    trace.drop(ErrorCode::tcp_out_of_handshake, frame);
  }
}

void Session::connect(Context& context, Outputs& outputs, const wire::Frame& ack, const CookieOffer& offer,
                      std::uint16_t mss_limit) {
  client_carrier_.take(ack);
  active_at_ = context.now;
  handshake_ = Handshake(mss_limit, ack, offer);
  begin_counts();
  trace_of(context, TraceLeg::client).received(ack);
  send_syn(context, outputs);
  next_syn_at_ = context.now + syn_interval_;
}

void Session::send_syn(Context& context, Outputs& outputs) {
  send_handshake(context, outputs, TraceLeg::server, handshake_.client_isn(), 0, handshake_.syn_flags(),
                 handshake_.client_window(), handshake_.syn_options());
}

// RFC 6298 section 5.7 for the SYN that is ours to repeat.
void Session::run_handshake(Context& context, Outputs& outputs) {
  if (context.now >= active_at_ + limits_.handshake) {
    context.errors.add(ErrorCode::tcp_syn_timeout);
    phase_ = Phase::done;
  } else if (context.now >= next_syn_at_) {
    send_syn(context, outputs);
    syn_interval_ *= 2;
    next_syn_at_ = context.now + syn_interval_;
  }
}

void Session::establish(Context& context, Outputs& outputs, const wire::Frame& ack) {
  const tcp::LegSetup client = handshake_.client_leg(ack);
  const tcp::LegSetup server = server_setup(ack);
  static_assert(sizeof(Terminated) <= kAwakeBytes);
  terminated_ = context.awake.make<Terminated>(*this, client, server, context.pools, context.hash_key, context.now);
  phase_ = Phase::established;
  begin_streams(client, server);
  answer_server(context, outputs, server);
}

std::uint16_t Session::server_window_field() const {
  const std::uint32_t field = limits_.leg.first_window_bytes() >> handshake_.server_receive_shift();
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(field, 0xffff));
}

tcp::LegSetup Session::server_setup(const wire::Frame& ack) const {
  return handshake_.server_leg(ack, std::uint32_t{server_window_field()} << handshake_.server_receive_shift());
}

void Session::answer_server(Context& context, Outputs& outputs, const tcp::LegSetup& server) {
  wire::TcpOptions options;
  options.has_timestamps = server.timestamps;
  options.ts_value = server.ts_value;
  options.ts_echo = server.ts_recent;
  send_handshake(context, outputs, TraceLeg::server, server.send_next, server.receive_next, wire::kAck,
                 server_window_field(), options);
}

record::Subject Session::subject() const {
  const std::string_view principal = terminated_ ? std::string_view(relay().principal()) : spliced_->principal;
  return {.session = id_,
          .service = service_.name,
          .record_class = service_.record_class,
          .principal = principal.empty() ? kAnonymous : principal,
          .best_effort = service_.record == enforce::RecordMode::best_effort};
}

// A session that is not on the record yet can be.
bool Session::may_open(Context& context) const {
  return opened_ || service_.record != enforce::RecordMode::required || context.recorder.has_room(kRecordOverhead);
}

bool Session::open_record(Context& context, SessionObserver& observer) {
  if (opened_) return true;
  const StageScope stage(Stage::record);
  const bool records = service_.record != enforce::RecordMode::off;
  if (records) {
    if (!may_open(context)) return false;
    context.recorder.open(subject(),
                          {.client_address = flow_.client_address,
                           .client_port = flow_.client_port,
                           .server_address = flow_.server_address,
                           .server_port = flow_.server_port,
                           .protocol = static_cast<std::uint8_t>(service_.protocol)},
                          context.wall);
  }
  opened_ = true;
  policy_->counters(service_).sessions.add();
  observer.opened(flow_, id_, service_, subject().principal, context.wall);
  return true;
}

bool Session::close_record(Context& context, SessionObserver& observer) {
  const StageScope stage(Stage::record);
  const std::size_t held =
      terminated_ ? relay().held_bytes(Direction::request) + relay().held_bytes(Direction::response) : 0;
  const std::size_t pending = terminated_ ? relay().pending() : 0;
  const bool records = service_.record != enforce::RecordMode::off;
  if (records && service_.record == enforce::RecordMode::required &&
      !context.recorder.has_room(held + pending * kRecordBytes + 2 * kRecordOverhead))
    return false;
  if (terminated_) relay().close(context, error_);
  if (records)
    context.recorder.close(subject(),
                           {.error = error_,
                            .request_bytes = request_.bytes,
                            .response_bytes = response_.bytes,
                            .units = terminated_ ? relay().units() : spliced_->units},
                           context.wall);
  policy_->counters(service_).closed.add();
  observer.closed(flow_, id_, service_, subject().principal, error_, context.wall);
  return true;
}

void Session::run(Context& context, Outputs& outputs, SessionObserver& observer) {
  stalled_ = false;
  context.session = this;
  if (at_rest_ != nullptr && context.now >= rests_until()) wake(context.now);
  if (phase_ == Phase::handshake)
    run_handshake(context, outputs);
  else if (spliced_ != nullptr)
    run_spliced(context, outputs, observer);
  else if (terminated_ != nullptr && phase_ != Phase::done)
    run_terminated(context, outputs, observer);
  trace_phase(context);
  update_deadline(context);
}

void Session::run_terminated(Context& context, Outputs& outputs, SessionObserver& observer) {
  if (deadline_ <= context.now) trace_timers(context);
  client_leg().on_timer(context.now);
  server_leg().on_timer(context.now);
  if (phase_ == Phase::established) {
    if (open_record(context, observer)) {
      follow_server(context, outputs);
      move(context, Direction::request);
      move(context, Direction::response);
      move(context, Direction::request);  // a response made room for waiting requests
      follow_fate(context);
      follow_ends(context);
      follow_idleness(context);
    } else {
      stalled_ = true;
    }
  }
  settle(context, outputs);
  if (client_leg().state() != traced_states_[0] || server_leg().state() != traced_states_[1]) trace_ends(context);
  const bool client_over = client_leg().state() != tcp::LegState::open;
  const bool server_over = server_leg().state() != tcp::LegState::open;
  if (phase_ == Phase::established && client_over && server_over && opened_) {
    if (close_record(context, observer))
      phase_ = Phase::lingering;
    else
      stalled_ = true;
  }
  if (phase_ == Phase::lingering && is_gone(client_leg()) && is_gone(server_leg())) phase_ = Phase::done;
  if (phase_ == Phase::lingering) linger_at_rest(context);
  if (phase_ != Phase::established) return;
  if (relay().is_unread())
    step_down(context);
  else if (context.now >= active_at_ + limits_.rest_after)
    go_to_rest(context);
}

// Sends what both legs have to say; what waits further down narrows the near leg's window, by its bytes and
// by the buffers that it keeps from others (many small segments weigh more than their bytes).
void Session::settle(Context& context, Outputs& outputs) {
  for (const Direction direction : {Direction::request, Direction::response}) {
    const tcp::Leg& to = sink(direction);
    const Flow& flow = flow_of(direction);
    const std::size_t segments =
        relay().held_segments(direction) + flow.waiting_segments + to.unacknowledged_segments();
    const std::size_t held = relay().held_bytes(direction);
    source(direction).set_downstream_bytes(held + flow.waiting_bytes + to.unacknowledged_bytes(),
                                           segments * kBufferBytes, held);
  }
  client_leg().expect_answer(relay().answer_expected());
  const LegTrace client_trace = trace_of(context, TraceLeg::client);
  LegOutput to_client_output(outputs.client, to_client(), &client_trace);
  client_leg().output(context.now, to_client_output);
  const LegTrace server_trace = trace_of(context, TraceLeg::server);
  LegOutput to_server_output(outputs.server, to_server(), &server_trace);
  server_leg().output(context.now, to_server_output);
}

void Session::update_deadline(Context& context) {
  if (phase_ == Phase::handshake) {
    deadline_ = std::min(active_at_ + limits_.handshake, next_syn_at_);
  } else if (phase_ == Phase::done) {
    deadline_ = context.now;
  } else if (spliced_ != nullptr) {
    deadline_ = spliced_deadline(context.now);
  } else if (at_rest_ != nullptr) {
    deadline_ = rests_until();
  } else {
    deadline_ = std::min(client_leg().next_deadline(), server_leg().next_deadline());
    if (phase_ == Phase::established) deadline_ = std::min(deadline_, relay().next_deadline(context.now));
    const TimeNs ends[] = {active_at_ + limits_.rest_after,
                           closing_ ? closing_at_ + limits_.linger : active_at_ + limits_.idle};
    for (const TimeNs end : ends)
      if (phase_ == Phase::established && end > context.now) deadline_ = std::min(deadline_, end);
    if (call_ != nullptr) deadline_ = std::min({deadline_, call_->again_at, call_->give_up_at});
    if (stalled_ || !request_.waiting.empty() || !response_.waiting.empty())
      deadline_ = std::min(deadline_, context.now + kRetryAfter);
  }
}

}  // namespace sluice::session
