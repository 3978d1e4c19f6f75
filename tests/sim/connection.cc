#include "tests/sim/connection.h"

#include <algorithm>
#include <utility>

namespace sluice::sim {
namespace {

using wire::kAck;
using wire::kRst;
using wire::kSyn;

// The host's timestamp clock (RFC 7323 section 5.4): milliseconds.
std::uint32_t timestamp(TimeNs now) {
  return static_cast<std::uint32_t>(now / kMillisecond);
}

tcp::SegmentIn segment_of(const wire::Frame& frame, buffer::Chain&& payload) {
  tcp::SegmentIn segment;
  segment.seq = frame.seq;
  segment.ack = frame.ack;
  segment.window = frame.window;
  segment.flags = frame.flags;
  segment.has_timestamps = frame.options.has_timestamps;
  segment.ts_value = frame.options.ts_value;
  segment.ts_echo = frame.options.ts_echo;
  segment.sack = frame.sack.all();
  segment.payload = std::move(payload);
  return segment;
}

}  // namespace

Connection::Connection(const Address& local, const Address& remote, const TcpConfig& config, buffer::Pools& pools,
                       FrameSink& sink, std::uint32_t initial_sequence, std::unique_ptr<Application> application)
    : local_(local),
      remote_(remote),
      config_(config),
      pools_(pools),
      sink_(sink),
      initial_sequence_(config.initial_sequence.value_or(initial_sequence)),
      application_(std::move(application)) {}

void Connection::open_actively(TimeNs now) {
  state_ = State::syn_sent;
  send_syn(now);
}

void Connection::open_passively(const wire::Frame& syn, TimeNs now) {
  state_ = State::syn_received;
  peer_options_ = syn.options;
  peer_sequence_ = syn.seq;
  send_syn(now);
}

wire::TcpHeader Connection::new_header() const {
  wire::TcpHeader header;
  header.source = local_.ip;
  header.destination = remote_.ip;
  header.source_port = local_.port;
  header.destination_port = remote_.port;
  return header;
}

// A SYN-ACK offers only what the SYN offered.
wire::TcpOptions Connection::syn_options(TimeNs now) const {
  const bool answering = state_ == State::syn_received;
  wire::TcpOptions options;
  options.mss = config_.mss;
  if (!answering || peer_options_.window_shift) options.window_shift = config_.window_shift;
  options.has_timestamps = config_.timestamps && (!answering || peer_options_.has_timestamps);
  options.sack_permitted = config_.sack && (!answering || peer_options_.sack_permitted);
  options.ts_value = timestamp(now);
  options.ts_echo = answering ? peer_options_.ts_value : 0;
  return options;
}

void Connection::send_syn(TimeNs now) {
  const bool answering = state_ == State::syn_received;
  wire::TcpHeader header = new_header();
  header.seq = initial_sequence_;
  header.ack = answering ? peer_sequence_ + 1 : 0;
  header.flags = static_cast<std::uint8_t>(answering ? kSyn | kAck : kSyn);
  header.window = static_cast<std::uint16_t>(std::min(config_.limits.receive_bytes, 65535u));
  header.options = syn_options(now);
  sink_.send(std::move(header), {}, 0);  // one that found no buffer is repeated like one that was lost
  syn_at_ = now + (kSecond << std::min(syn_tries_, 5u));
  ++syn_tries_;
}

void Connection::retry_handshake(TimeNs now) {
  if (syn_tries_ < config_.syn_tries) return send_syn(now);
  state_ = State::timed_out;
  syn_at_ = kNever;
}

void Connection::input_handshake(const wire::Frame& frame, TimeNs now) {
  const bool acks_us = (frame.flags & kAck) != 0 && frame.ack == initial_sequence_ + 1;
  if ((frame.flags & kRst) != 0) {
    const bool ours = state_ == State::syn_sent ? acks_us : frame.seq == peer_sequence_ + 1;
    if (ours) {
      state_ = State::refused;
      syn_at_ = kNever;
    }
    return;
  }
  if (state_ == State::syn_received) {
    if ((frame.flags & kSyn) != 0) return send_syn(now);
    if (acks_us) establish(frame, now);
    return;
  }
  if ((frame.flags & (kSyn | kAck)) != (kSyn | kAck) || !acks_us) return;
  peer_options_ = frame.options;
  peer_sequence_ = frame.seq;
  establish(frame, now);
}

void Connection::establish(const wire::Frame& frame, TimeNs now) {
  const bool scaled = peer_options_.window_shift && config_.window_shift;
  const bool from_syn = (frame.flags & kSyn) != 0;  // whose window is never scaled
  tcp::LegSetup setup;
  setup.send_next = initial_sequence_ + 1;
  setup.receive_next = peer_sequence_ + 1;
  setup.mss = peer_options_.mss == 0 ? std::uint16_t{536} : peer_options_.mss;
  setup.receive_mss = config_.mss;
  setup.send_shift = scaled ? *peer_options_.window_shift : std::uint8_t{0};
  setup.receive_shift = scaled ? *config_.window_shift : std::uint8_t{0};
  setup.send_window = static_cast<std::uint32_t>(frame.window) << (from_syn ? 0 : setup.send_shift);
  setup.receive_window = std::min(config_.limits.receive_bytes, 65535u);
  setup.sack = config_.sack && peer_options_.sack_permitted;
  setup.timestamps = config_.timestamps && peer_options_.has_timestamps;
  setup.ts_recent = frame.options.ts_value;
  setup.ts_value = timestamp(now);
  leg_ = std::make_unique<tcp::Leg>(setup, config_.limits, pools_, now);
  state_ = State::established;
  syn_at_ = kNever;
  // A leg answers a SYN of its past with an ACK, which is what ends this handshake.
  if (from_syn) leg_->input(segment_of(frame, {}), now);
}

void Connection::input(const wire::Frame& frame, buffer::Chain&& payload, TimeNs now) {
  if (state_ == State::syn_sent || state_ == State::syn_received) {
    const bool was_answering = state_ == State::syn_received;
    input_handshake(frame, now);
    if (!was_answering || state_ != State::established) return;
  }
  if (leg_) leg_->input(segment_of(frame, std::move(payload)), now);
}

void Connection::input_error(const wire::IcmpError& error, TimeNs now) {
  if (leg_) leg_->input_error(error, now);
}

void Connection::run(TimeNs now) {
  if (syn_at_ <= now) retry_handshake(now);
  if (leg_) {
    leg_->on_timer(now);
    leg_->set_ts_value(timestamp(now));
  }
  application_->run(*this, now);
  if (leg_) leg_->output(now, *this);
}

TimeNs Connection::next_deadline() const {
  const TimeNs leg = leg_ ? leg_->next_deadline() : kNever;
  return std::min({syn_at_, leg, application_->next_deadline()});
}

bool Connection::emit(tcp::SegmentOut&& segment) {
  wire::TcpHeader header = new_header();
  header.seq = segment.seq;
  header.ack = segment.ack;
  header.window = segment.window;
  header.flags = segment.flags;
  header.options.has_timestamps = segment.has_timestamps;
  header.options.ts_value = segment.ts_value;
  header.options.ts_echo = segment.ts_echo;
  header.sack = segment.sack;
  return sink_.send(std::move(header), std::move(segment.payload), segment.mss);
}

std::string Connection::read(std::size_t limit) {
  buffer::Chain bytes;
  if (!leg_ || !leg_->read(limit, bytes)) return {};
  std::string text(bytes.length_bytes(), '\0');
  bytes.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

bool Connection::write(std::string_view bytes) {
  buffer::Chain chain;
  if (!leg_ || !chain.append_copy(pools_, as_bytes(bytes))) return false;
  leg_->write(std::move(chain));
  return true;
}

void Connection::finish() {
  if (leg_) leg_->finish();
}

void Connection::abort() {
  if (leg_) leg_->abort(ErrorCode::tcp_aborted);
}

bool Connection::closed() const {
  if (leg_) return leg_->state() == tcp::LegState::closed;
  return state_ == State::refused || state_ == State::timed_out;
}

}  // namespace sluice::sim
