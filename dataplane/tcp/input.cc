// What an arriving segment means (RFC 9293 section 3.10.7, hardened as RFC 5961 says). The expected
// segment, next in order or a pure ACK, is recognised by one predicate and takes the short way.
#include <utility>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {
namespace {

using wire::kAck;
using wire::kFin;
using wire::kRst;
using wire::kSyn;

// Two ends that disagree must not answer each other's empty segments for ever; nor may an attacker
// who guesses make us chatter (RFC 5961 section 7).
constexpr DurationNs kChallengeInterval = 100 * kMillisecond;

constexpr DurationNs kTimestampLap = 24 * 86'400 * kSecond;  // RFC 7323 section 5.5

std::uint32_t sequence_length(const SegmentIn& segment) {
  const std::uint32_t flags = ((segment.flags & kSyn) != 0 ? 1 : 0) + ((segment.flags & kFin) != 0 ? 1 : 0);
  return static_cast<std::uint32_t>(segment.payload.length_bytes()) + flags;
}

}  // namespace

ErrorCode Leg::input(SegmentIn&& segment, TimeNs now) {
  if (!is_expected(segment, segment.payload.length_bytes())) return input_unexpected(std::move(segment), now);
  remember_timestamp(segment, now);
  on_acknowledgement(segment, now);
  return segment.payload.empty() ? ErrorCode::ok : receive_in_order(std::move(segment.payload));
}

bool Leg::is_expected(const SegmentIn& segment, std::size_t payload_bytes) const {
  return (segment.flags & (kSyn | kFin | kRst | kAck)) == kAck && segment.seq == receive_next_ &&
         state_ == LegState::open && !peer_fin_seen_ && reassembly_.empty() &&
         payload_bytes <= distance(receive_next_, receive_edge_) && !before(segment.ack, send_unacked_) &&
         !after(segment.ack, send_max_) &&
         (!timestamps_ || !segment.has_timestamps || !before(segment.ts_value, ts_recent_));
}

// What makes the first segment the expected one makes each that follows it so, while all fit the window and no memory
// is short: their timestamps are no older than its own, and their acknowledgement is its own. Of acknowledgements each
// counts for itself where losses are judged, or marks of congestion.
bool Leg::takes_run(const SegmentIn& first, const RunIn& run) const {
  if (!is_expected(first, run.bytes)) return false;
  if (run.bytes > 0)
    return !should_compact(run.pinned_bytes) && (limits_.pressure == nullptr || limits_.pressure->takes_all());
  return flight_.takes_last_of(first.ack) && after(first.ack, send_unacked_) && !after(run.last_ack, send_max_);
}

ErrorCode Leg::input_unexpected(SegmentIn&& segment, TimeNs now) {
  if (state_ == LegState::closed) return input_after_close(segment);
  if ((segment.flags & kRst) != 0) return input_reset(segment, now);
  if (limits_.relay_keepalives && is_keepalive(segment)) {
    keepalive_heard_ = true;
    return ErrorCode::ok;
  }

  // A segment that ends where our last ACK stood still carries a usable ACK, and so does one that
  // begins at the very edge (a peer that filled our window acknowledges from there).
  const std::uint32_t length = sequence_length(segment);
  const bool too_old = before(segment.seq + length, last_ack_sent_);
  const bool too_new = after(segment.seq, later(receive_edge_, receive_next_));
  if (too_old || too_new) {
    if (length > 0 && (segment.flags & kSyn) == 0) {
      ack_due_ = true;
      if (too_old) note_repeated(segment.seq, segment.seq + static_cast<std::uint32_t>(segment.payload.length_bytes()));
    } else {
      challenge(now);
    }
    if (state_ == LegState::time_wait && (segment.flags & kFin) != 0) set_timer(Timer::time_wait, now);
    const ErrorCode differing = compare_old(segment.seq, segment.payload);
    return differing != ErrorCode::ok ? differing : ErrorCode::tcp_out_of_window;
  }
  if (is_from_the_past(segment, now)) return refuse_past(segment, now);
  if ((segment.flags & kSyn) != 0) {
    challenge(now);
    return ErrorCode::tcp_out_of_window;
  }
  if ((segment.flags & kAck) == 0) return ErrorCode::tcp_bad_ack;
  const std::uint32_t oldest_ack = send_unacked_ - largest_send_window_;
  if (after(segment.ack, send_max_) || before(segment.ack, oldest_ack)) {
    challenge(now);
    return ErrorCode::tcp_bad_ack;
  }

  remember_timestamp(segment, now);
  on_acknowledgement(segment, now);
  const std::uint32_t payload_bytes = static_cast<std::uint32_t>(segment.payload.length_bytes());
  const bool cut = after(segment.seq + payload_bytes, receive_edge_);
  ErrorCode result = ErrorCode::ok;
  if (payload_bytes > 0) result = receive_data(segment.seq, std::move(segment.payload));
  if ((segment.flags & kFin) != 0 && !cut) note_fin(segment.seq + payload_bytes, now);
  take_fin(now);
  return result;
}

// Only a reset at exactly the next sequence number counts (RFC 5961 section 3.2). Where both streams
// were delivered and only the last ACK or the wait is missing, it is no failure: a peer whose
// TIME_WAIT is over answers a repeated FIN so.
ErrorCode Leg::input_reset(const SegmentIn& segment, TimeNs now) {
  if (segment.seq == receive_next_) {
    const bool delivered = peer_finished_ && fin_sent_ && in_flight_.empty();
    close(delivered ? ErrorCode::ok : ErrorCode::tcp_reset_by_peer);
    return ErrorCode::ok;
  }
  if (before(segment.seq, receive_next_) || after(segment.seq, receive_edge_)) return ErrorCode::tcp_out_of_window;
  challenge(now);
  return ErrorCode::tcp_out_of_window;
}

// After an abort of ours, whatever the peer still sends tells the sequence number that it takes.
ErrorCode Leg::input_after_close(const SegmentIn& segment) {
  const bool aborted = closed_by_ != ErrorCode::ok && closed_by_ != ErrorCode::tcp_reset_by_peer;
  if (aborted && (segment.flags & (kRst | kAck)) == kAck) {
    reset_seq_ = segment.ack;
    reset_due_ = true;
    retry_at_ = 0;
  }
  return ErrorCode::tcp_out_of_window;
}

// RFC 7323 section 4.3: only what reaches back to our last ACK may move the echo, so that a peer
// that times delayed ACKs is not misled.
void Leg::remember_timestamp(const SegmentIn& segment, TimeNs now) {
  if (!timestamps_ || !segment.has_timestamps || after(segment.seq, last_ack_sent_)) return;
  ts_recent_ = segment.ts_value;  // what is older was refused before
  ts_recent_at_ = now;
}

// PAWS (RFC 7323 section 5): a segment of an earlier lap of the sequence numbers. One without a timestamp is judged
// by its numbers alone, as hosts do; and after 24 days of silence nothing is older any more.
bool Leg::is_from_the_past(const SegmentIn& segment, TimeNs now) const {
  return timestamps_ && segment.has_timestamps && before(segment.ts_value, ts_recent_) &&
         now - ts_recent_at_ < kTimestampLap;
}

// It is answered as what comes twice is, for that is what it mostly was. An ACK that was overtaken on its way has
// nothing to say and deserves no answer.
ErrorCode Leg::refuse_past(const SegmentIn& segment, TimeNs now) {
  const std::uint32_t length = sequence_length(segment);
  if (length == 0 && !after(segment.ack, send_unacked_)) return ErrorCode::ok;
  challenge(now);
  ack_due_ |= length > 0;
  const std::uint32_t end = segment.seq + static_cast<std::uint32_t>(segment.payload.length_bytes());
  if (before(segment.seq, receive_next_)) note_repeated(segment.seq, before(end, receive_next_) ? end : receive_next_);
  return ErrorCode::tcp_old_timestamp;
}

// RFC 9293 section 3.8.4: nothing, or one byte of anything, where our last ACK already was.
bool Leg::is_keepalive(const SegmentIn& segment) const {
  return state_ == LegState::open && (segment.flags & (kSyn | kFin | kAck)) == kAck &&
         segment.seq + 1 == receive_next_ && segment.payload.length_bytes() <= 1;
}

void Leg::challenge(TimeNs now) {
  if (challenged_at_ != 0 && now - challenged_at_ < kChallengeInterval) return;
  challenged_at_ = now;
  ack_due_ = true;
}

}  // namespace sluice::tcp
