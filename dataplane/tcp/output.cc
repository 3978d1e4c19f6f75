// What is due goes out: first what is to be sent again, then new bytes as both windows allow, then
// an ACK if nothing carried one. Payload leaves as views; the leg keeps the bytes in in_flight_.
// When a buffer or room in the burst is missing, nothing is lost: retry_at_ asks to be called again.
#include <algorithm>
#include <array>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {
namespace {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;

constexpr DurationNs kRetryDelay = 100 * kMicrosecond;
// Views in one segment: enough for 64 KB of received frames; ports cannot gather without limit.
constexpr std::uint32_t kMaxViews = 64;

// How many of the `length` bytes at `offset` lie in the first kMaxViews pieces there.
std::uint32_t gathered_bytes(const buffer::Chain& chain, std::size_t offset, std::uint32_t length) {
  if (chain.segments() <= kMaxViews) return length;
  const rte_mbuf* m = chain.first();
  for (; m != nullptr && offset >= m->data_len; m = m->next) offset -= m->data_len;
  std::size_t bytes = 0;
  for (std::uint32_t i = 0; m != nullptr && i < kMaxViews; m = m->next, ++i) bytes += m->data_len;
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes - offset, length));
}

}  // namespace

void Leg::output(TimeNs now, SegmentSink& sink) {
  retry_at_ = kNever;
  if (reset_due_) {
    reset_due_ = !emit_reset(sink);
    if (reset_due_) retry_at_ = now + kRetryDelay;
    return;
  }
  if (state_ == LegState::closed) return;
  Sent sent = Sent::nothing;
  if (state_ == LegState::open) {
    if (in_flight_bytes() == 0 && has_unsent() && now - sent_at_ > rtt_.rto()) congestion_.on_idle();
    sent = front_due_ ? emit_front(sink) : Sent::progress;
    while (sent == Sent::progress) sent = emit_next(now, sink);
    if (sent != Sent::failed && probe_due_) sent = emit_probe(sink);
  }
  if (sent != Sent::failed && is_ack_due(now) && !emit(send_max_, kAck, {}, sink)) sent = Sent::failed;
  if (sent == Sent::failed) {
    retry_at_ = now + kRetryDelay;
    ack_due_ |= ack_wanted_;  // it waits for the retry, not for a ride
    ack_at_ = kNever;
  }
  settle_timer(now);
}

// Bytes in order may wait a moment for an answer that carries their ACK; everything else may not.
bool Leg::is_ack_due(TimeNs now) {
  if (ack_due_ || window_update_due()) return true;
  if (!ack_wanted_) return false;
  if (distance(last_ack_sent_, receive_next_) >= 2U * receive_mss_) return true;
  if (ack_at_ == kNever) ack_at_ = now + limits_.ack_delay;
  return now >= ack_at_;
}

// Every segment tells our window and acknowledges, so it stands for a pending ACK.
bool Leg::emit(std::uint32_t seq, std::uint8_t flags, buffer::Chain&& payload, SegmentSink& sink) {
  const Window window = next_window();
  // SACK blocks ride on empty segments only, so that every data segment is a whole mss; an ACK stays due beside data.
  const bool sack_news = has_sack_news();
  const bool empty = payload.empty();
  std::array<wire::SackBlock, wire::SackBlocks::kMost> blocks;
  const std::size_t block_count = sack_news && empty ? list_sack_blocks(blocks) : 0;
  SegmentOut segment{.seq = seq,
                     .ack = receive_next_,
                     .window = window.field,
                     .flags = flags,
                     .has_timestamps = timestamps_,
                     .ts_value = ts_value_,
                     .ts_echo = ts_recent_,
                     .sack = {blocks.data(), block_count},
                     .mss = mss_,
                     .payload = std::move(payload)};
  if (!sink.emit(std::move(segment))) return false;
  receive_edge_ = window.edge;
  largest_receive_window_ = std::max(largest_receive_window_, distance(receive_next_, receive_edge_));
  last_ack_sent_ = receive_next_;
  ack_due_ = ack_due_ && sack_news && !empty;
  if (empty) repeated_ = {};
  ack_wanted_ = false;
  ack_at_ = kNever;
  return true;
}

bool Leg::emit_reset(SegmentSink& sink) {
  return sink.emit({.seq = reset_seq_,
                    .ack = receive_next_,
                    .window = 0,
                    .flags = kRst | kAck,
                    .has_timestamps = timestamps_,
                    .ts_value = ts_value_,
                    .ts_echo = ts_recent_,
                    .mss = mss_,
                    .payload = {}});
}

// The first unacknowledged segment again, whatever the windows say.
Leg::Sent Leg::emit_front(SegmentSink& sink) {
  front_due_ = false;
  const std::uint32_t at = send_next_;
  const std::uint32_t queued = static_cast<std::uint32_t>(in_flight_.length_bytes());
  const std::uint32_t length = gathered_bytes(in_flight_, 0, std::min<std::uint32_t>(mss_, queued));
  send_next_ = send_unacked_;
  const Sent sent = emit_again(length, fin_sent_ && length == queued, sink);
  front_due_ = sent == Sent::failed;
  send_next_ = later(send_next_, at);
  return sent;
}

Leg::Sent Leg::emit_next(TimeNs now, SegmentSink& sink) {
  const bool again = before(send_next_, send_max_);
  const std::uint32_t offset = send_next_ - send_unacked_;
  // The first two duplicates each let one new segment out (RFC 3042), so that small flights recover fast.
  const std::uint32_t beyond = in_recovery_ || again ? 0 : std::min(duplicates_, 2u) * mss_;
  const std::uint32_t allowed = congestion_.window_bytes() + beyond;
  const std::uint32_t window = std::min(allowed, send_window_);
  const std::uint32_t room = window > offset ? window - offset : 0;
  const std::size_t queued = again
                                 ? in_flight_.length_bytes() - std::min<std::size_t>(offset, in_flight_.length_bytes())
                                 : unsent_.length_bytes();
  const std::uint32_t available = static_cast<std::uint32_t>(std::min<std::size_t>(queued, 1u << 30));
  std::uint32_t length = sendable_bytes(available, room);
  length = again ? gathered_bytes(in_flight_, offset, length) : gathered_bytes(unsent_, 0, length);
  window_limited_ = length < available && allowed <= send_window_;

  const bool fin_wanted = again ? fin_sent_ : fin_queued_ && !fin_sent_;
  const bool with_fin = fin_wanted && length == available && send_window_ > offset + length;
  if (length == 0 && !with_fin) return Sent::nothing;
  return again ? emit_again(length, with_fin, sink) : emit_new(length, with_fin, now, sink);
}

// Whole segments, or the last bytes there are; never a small piece just because the window is small
// (RFC 1122 section 4.2.3.4), unless it stays so until the persist timer says otherwise.
std::uint32_t Leg::sendable_bytes(std::uint32_t available, std::uint32_t room) const {
  const std::uint32_t burst = std::max<std::uint32_t>(limits_.burst_bytes, mss_);
  std::uint32_t length = std::min({available, room, burst});
  if (length == available) return length;
  if (length >= mss_) return length - length % mss_;
  return probe_due_ || length >= std::max(largest_send_window_ / 2, 1u) ? length : 0;
}

Leg::Sent Leg::emit_again(std::uint32_t length, bool with_fin, SegmentSink& sink) {
  const std::size_t offset = send_next_ - send_unacked_;
  buffer::Chain views;
  if (length > 0 && !in_flight_.share(pools_, offset, length, views)) return Sent::failed;
  const bool last = unsent_.empty() && offset + length == in_flight_.length_bytes();
  const int flags = kAck | (last && length > 0 ? kPsh : 0) | (with_fin ? kFin : 0);
  timing_ = false;
  if (!emit(send_next_, static_cast<std::uint8_t>(flags), std::move(views), sink)) return Sent::failed;
  send_next_ += length + (with_fin ? 1 : 0);
  return Sent::progress;
}

Leg::Sent Leg::emit_new(std::uint32_t length, bool with_fin, TimeNs now, SegmentSink& sink) {
  buffer::Chain piece;
  buffer::Chain views;
  if (!unsent_.take_front(pools_, length, piece)) return Sent::failed;
  const int flags = kAck | (unsent_.empty() && length > 0 ? kPsh : 0) | (with_fin ? kFin : 0);
  if (!piece.share(pools_, 0, length, views) ||
      !emit(send_max_, static_cast<std::uint8_t>(flags), std::move(views), sink)) {
    piece.append(std::move(unsent_));
    unsent_ = std::move(piece);
    return Sent::failed;
  }
  in_flight_.append(std::move(piece));
  send_max_ += length + (with_fin ? 1 : 0);
  send_next_ = send_max_;
  if (with_fin) {
    fin_sent_ = true;
    closed_first_ = !peer_finished_;
  }
  if (!timing_) {
    timing_ = true;
    timed_end_ = send_max_;
    timed_at_ = now;
  }
  sent_at_ = now;
  probe_due_ = false;
  return Sent::progress;
}

// An empty segment just below the window: every host answers it with its ACK and window, and it
// leaves nothing in flight. (A byte beyond the window, as RFC 9293 has it, would.)
Leg::Sent Leg::emit_probe(SegmentSink& sink) {
  if (!emit(send_unacked_ - 1, kAck, {}, sink)) return Sent::failed;
  probe_due_ = false;
  return Sent::progress;
}

}  // namespace sluice::tcp
