// Bytes from the peer: put in order, bounded in bytes and in memory, and the window that follows.
//
// Held bytes are those readable plus those downstream. Out-of-order bytes lie inside the window
// already offered, so they are not counted a second time. The window never offers more bytes than
// memory is left, but a peer can fill any window with tiny segments; so at the bound, first what
// is out of order is given up, and then new data is left unacknowledged for the peer to send
// again. Above half the bound, or a part of it while the worker's memory is short, wasteful payloads are copied into
// tail room. What the worker's memory does to windows, and when nothing more is taken, is pressure.h's.
#include <algorithm>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

ErrorCode Leg::receive_in_order(buffer::Chain&& payload) {
  const std::size_t pinned = payload.pinned_bytes();
  if (const ErrorCode refused = make_room(pinned, true); refused != ErrorCode::ok) {
    ack_due_ = true;
    return refused;
  }
  ack_wanted_ = true;
  receive_next_ += static_cast<std::uint32_t>(payload.length_bytes());
  if (should_compact(pinned)) {
    receive_.append_compact(pools_, std::move(payload), pinned);
  } else {
    receive_.append(std::move(payload), pinned);
  }
  return ErrorCode::ok;
}

// Any data segment that is acceptable: overlapping, early, or after a hole.
ErrorCode Leg::receive_data(std::uint32_t seq, buffer::Chain&& payload) {
  ack_due_ = true;  // at once, so that the peer sees duplicates early (RFC 5681 section 4.2)
  ErrorCode result = ErrorCode::ok;
  const std::uint32_t old = distance(seq, receive_next_);
  if (old > 0) {
    result = compare_old(seq, payload);
    note_repeated(seq, seq + std::min(old, static_cast<std::uint32_t>(payload.length_bytes())));
    if (old >= payload.length_bytes()) return result != ErrorCode::ok ? result : ErrorCode::tcp_out_of_window;
    payload.drop_front(old);
    seq = receive_next_;
  }
  const std::uint32_t end_of_stream = peer_fin_seen_ ? peer_fin_seq_ : receive_edge_;
  const std::uint32_t limit = before(end_of_stream, receive_edge_) ? end_of_stream : receive_edge_;
  const std::uint32_t room = distance(seq, limit);
  if (payload.length_bytes() > room) {
    payload.drop_back(payload.length_bytes() - room);
    result = ErrorCode::tcp_out_of_window;
  }
  if (payload.empty()) return result;

  const bool in_order = seq == receive_next_;
  if (in_order && reassembly_.empty()) {
    const ErrorCode taken = receive_in_order(std::move(payload));
    return result != ErrorCode::ok ? result : taken;
  }
  const std::size_t pinned = payload.pinned_bytes();
  if (const ErrorCode refused = make_room(pinned, in_order); refused != ErrorCode::ok) return refused;
  if (in_order && reassembly_.full()) reassembly_.shed_last();
  wire::SackBlock repeated;
  const ErrorCode inserted = reassembly_.insert(pools_, seq, std::move(payload), should_compact(pinned), &repeated);
  note_repeated(repeated.begin, repeated.end);
  receive_next_ += static_cast<std::uint32_t>(reassembly_.take_ready(receive_next_, receive_));
  return inserted != ErrorCode::ok ? inserted : result;
}

// RFC 2883: what came twice is told once. Stretches that touch are one; else the last one counts.
void Leg::note_repeated(std::uint32_t begin, std::uint32_t end) {
  if (begin == end) return;
  if (repeated_.begin != repeated_.end && repeated_.end == begin) begin = repeated_.begin;
  repeated_ = {begin, end};
}

// D-SACK first, then what waits for a hole to be filled, most recent first.
std::size_t Leg::list_sack_blocks(std::span<wire::SackBlock> out) const {
  const bool repeated = repeated_.begin != repeated_.end;
  if (repeated) out[0] = repeated_;
  return (repeated ? 1 : 0) + reassembly_.list_blocks(out.subspan(repeated ? 1 : 0));
}

// Bytes that were acknowledged but not yet read are still here to compare with.
ErrorCode Leg::compare_old(std::uint32_t seq, const buffer::Chain& payload) const {
  const std::uint32_t readable = static_cast<std::uint32_t>(receive_.length_bytes());
  const std::uint32_t first_held = receive_next_ - (peer_finished_ ? 1 : 0) - readable;
  const std::uint32_t skipped = distance(seq, first_held);
  const std::uint32_t offset = distance(first_held, seq);
  if (skipped >= payload.length_bytes() || offset >= readable) return ErrorCode::ok;
  const std::size_t count = std::min<std::size_t>(payload.length_bytes() - skipped, readable - offset);
  return same_bytes(receive_.bytes(), offset, payload, skipped, count) ? ErrorCode::ok
                                                                       : ErrorCode::tcp_differing_retransmission;
}

// The first FIN says where the stream ends, unless bytes beyond it are already here.
void Leg::note_fin(std::uint32_t fin_seq, TimeNs now) {
  ack_due_ = true;
  if (state_ == LegState::time_wait) set_timer(Timer::time_wait, now);
  if (peer_fin_seen_ || before(fin_seq, receive_next_) || reassembly_.reaches_beyond(fin_seq)) return;
  peer_fin_seen_ = true;
  peer_fin_seq_ = fin_seq;
}

// It counts when every byte before it is here.
void Leg::take_fin(TimeNs now) {
  if (!peer_fin_seen_ || peer_finished_ || receive_next_ != peer_fin_seq_) return;
  ++receive_next_;
  peer_finished_ = true;
  finish_if_both_did(now);
}

ErrorCode Leg::make_room(std::size_t pinned_bytes, bool in_order) {
  if (limits_.pressure != nullptr && !limits_.pressure->takes_all()) {
    if (limits_.pressure->gives_up_early()) reassembly_.clear();
    const ErrorCode refused = limits_.pressure->admit(this, in_order);
    if (refused != ErrorCode::ok && undecided_bytes_ > 0 && limits_.pressure->takes_victim()) abort(refused);
    if (refused != ErrorCode::ok) return refused;
  }
  while (receive_pinned_bytes() + pinned_bytes > pinned_limit()) {
    if (!in_order || reassembly_.empty()) {
      const bool first = in_order && receive_.empty() && downstream_bytes_ == 0;
      return first ? ErrorCode::ok : ErrorCode::tcp_queue_full;
    }
    reassembly_.shed_last();
  }
  return ErrorCode::ok;
}

bool Leg::should_compact(std::size_t pinned_bytes) const {
  std::size_t above = pinned_limit() / 2;
  if (is_under_pressure()) above = std::min<std::size_t>(above, bounded_by_pressure(tuning_.bytes()));
  return receive_pinned_bytes() + pinned_bytes > above;
}

// Never less than what a sender needs to be told, and to have its ACKs come in a stream.
std::uint32_t Leg::bounded_by_pressure(std::uint32_t window_bytes) const {
  if (!is_under_pressure()) return window_bytes;
  const std::uint32_t least = std::max(4u * receive_mss_, 1u << receive_shift_);
  return std::min(window_bytes, std::max(limits_.pressure->window_bytes(), least));
}

std::size_t Leg::receive_pinned_bytes() const {
  return receive_.pinned_bytes() + reassembly_.pinned_bytes() + downstream_pinned_bytes_;
}

std::uint32_t Leg::receive_room_bytes() const {
  const auto left = [](std::size_t most, std::size_t taken) { return taken < most ? most - taken : 0; };
  const std::size_t held = receive_.length_bytes() + downstream_bytes_;
  const std::size_t by_path = left(bounded_by_pressure(tuning_.bytes()), held - undecided_bytes_);
  const std::size_t by_memory = left(pinned_limit(), receive_pinned_bytes());
  return static_cast<std::uint32_t>(std::min({left(receive_bytes_, held), by_path, by_memory}));
}

// The right edge moves only by steps worth sending for (RFC 1122 section 4.2.3.3). A scaled window
// cannot say every number: it is rounded up so that the edge does not retreat, except where
// rounding up again and again would creep past the limit; what was promised is taken even then.
Leg::Window Leg::next_window() const {
  const std::uint32_t current = distance(receive_next_, receive_edge_);
  const std::uint32_t unit = 1u << receive_shift_;
  const std::uint32_t room = std::min(receive_room_bytes(), 65535u << receive_shift_);
  const std::uint32_t step = std::min<std::uint32_t>(receive_mss_, std::max(receive_bytes_ / 2, 1u));
  std::uint32_t field = (current + unit - 1) >> receive_shift_;
  if (room >= current && room - current >= step && (room >> receive_shift_) > field) {
    field = room >> receive_shift_;
  } else if ((field << receive_shift_) >= room + unit) {
    field = current >> receive_shift_;
  }
  field = std::min(field, 65535u);
  return {static_cast<std::uint16_t>(field), later(receive_edge_, receive_next_ + (field << receive_shift_))};
}

// Worth a segment of its own: the window opens by two segments (or half of a small buffer) and the
// peer has used up half of what it was ever offered.
bool Leg::window_update_due() const {
  if (state_ != LegState::open || peer_fin_seen_) return false;
  const std::uint32_t current = distance(receive_next_, receive_edge_);
  if (current > largest_receive_window_ / 2) return false;
  const std::uint32_t opened = distance(receive_edge_, next_window().edge);
  return opened > 0 && opened >= std::min<std::uint32_t>(2u * receive_mss_, receive_bytes_ / 2);
}

}  // namespace sluice::tcp
