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
using wire::kCwr;
using wire::kEce;
using wire::kFin;
using wire::kPsh;
using wire::kRst;

constexpr DurationNs kRetryDelay = 100 * kMicrosecond;
// Views in one segment: enough for 64 KB of received frames; ports cannot gather without limit.
constexpr std::uint32_t kMaxViews = 64;

// How many of the `length` bytes at `offset` lie in the first kMaxViews pieces there.
std::uint32_t gathered_bytes(const buffer::Chain& chain, std::size_t offset, std::uint32_t length) {
  if (length == 0 || chain.segments() <= kMaxViews) return length;
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
  follow_path(now);
  Done done = Done::nothing;
  if (state_ == LegState::open) {
    if (has_unsent()) {
      flight_.note_idle(sent_at_, now);
      if (path_mtu_.has_aged(now)) set_mss(path_mtu_.restore());
    }
    if (loss_probe_due_) done = emit_loss_probe(now, sink);
    if (done != Done::failed) done = emit_data(now, sink);
    if (done != Done::failed && window_probe_due_) done = emit_window_probe(sink);
  }
  if (done != Done::failed && is_ack_due(now) && !emit(send_max_, kAck, {}, sink)) done = Done::failed;
  if (done == Done::failed) {
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
  ack_at_ = std::min(ack_at_, now + (answer_expected_ ? limits_.answer_delay : limits_.ack_delay));
  return now >= ack_at_;
}

// Every segment tells our window and acknowledges, so it stands for a pending ACK.
bool Leg::emit(std::uint32_t seq, std::uint8_t flags, buffer::Chain&& payload, SegmentSink& sink, bool is_new) {
  const Window window = next_window();
  // SACK blocks ride on empty segments only, so that every data segment is a whole mss; an ACK stays due beside data.
  const bool sack_news = has_sack_news();
  const bool empty = payload.empty();
  std::array<wire::SackBlock, wire::SackBlocks::kMost> blocks;
  const std::size_t block_count = sack_news && empty ? list_sack_blocks(blocks) : 0;
  if (echo_congestion_) flags |= kEce;
  SegmentOut segment{.seq = seq,
                     .ack = receive_next_,
                     .window = window.field,
                     .flags = flags,
                     .ecn_capable = is_new && ecn_,
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

// What is lost first, then what is new.
Leg::Done Leg::emit_data(TimeNs now, SegmentSink& sink) {
  Done done = Done::progress;
  while (done == Done::progress) {
    if (flight_.has_lost()) {
      done = emit_lost(flight_.first_lost(), now, sink);
    } else if (has_unsent()) {
      done = emit_unsent(now, sink);
    } else {
      return Done::nothing;
    }
  }
  return done;
}

// As many bytes as may leave together now; 0: not yet, retry_at_ says when.
std::uint32_t Leg::paced_bytes(TimeNs now) {
  const Pace pace = flight_.pace();
  const std::uint32_t frame = std::min(burst_bytes_, flight_.frame_bytes());
  if (!pace.is_needed()) return frame;
  if (pacer_.next_at() <= now) return std::min(frame, Pacer::burst_bytes(pace, mss_));
  retry_at_ = pacer_.next_at();
  return 0;
}

// Whole segments of it, as the congestion window allows; and as the peer's does, except for the first one: a
// window that shrank is thereby probed.
Leg::Done Leg::emit_lost(const wire::SackBlock& lost, TimeNs now, SegmentSink& sink) {
  const std::uint32_t bytes = lost.end - lost.begin;
  const std::uint32_t offset = lost.begin - send_unacked_;
  const std::uint32_t window = send_window_ > offset ? send_window_ - offset : 0;
  const std::uint32_t unit = std::min<std::uint32_t>(bytes, mss_);
  if (flight_.room_bytes() < unit || (window < unit && offset > 0)) return Done::nothing;
  const std::uint32_t burst = paced_bytes(now);
  if (burst == 0) return Done::nothing;
  std::uint32_t length = std::max(std::min({bytes, flight_.room_bytes(), window, burst}), unit);
  if (length < bytes) length -= length % mss_;
  if (length < bytes && !flight_.can_send_piece()) return Done::nothing;
  return emit_again(lost.begin, lost.begin + length, now, sink);
}

Leg::Done Leg::emit_unsent(TimeNs now, SegmentSink& sink) {
  if (flight_.full()) return Done::nothing;
  const std::uint32_t offset = in_flight_bytes();
  const std::uint32_t room = flight_.room_bytes();
  const std::uint32_t window = send_window_ > offset ? send_window_ - offset : 0;
  const std::uint32_t available = static_cast<std::uint32_t>(std::min<std::size_t>(unsent_.length_bytes(), 1u << 30));
  if (room < std::min(available, window) && flight_.gathers_room(burst_bytes_)) {
    flight_.note_limited(send_max_);
    return Done::nothing;
  }
  const bool may_leave = available > 0 && std::min(room, window) >= std::min<std::uint32_t>(available, mss_);
  const std::uint32_t burst = may_leave ? paced_bytes(now) : burst_bytes_;
  if (burst == 0) {
    if (room <= window) flight_.note_paced(send_max_);
    return Done::nothing;
  }
  const std::uint32_t length = gathered_bytes(unsent_, 0, sendable_bytes(available, std::min(room, window), burst));
  if (length < available && room <= std::min(window, burst)) flight_.note_limited(send_max_);
  const bool with_fin = fin_queued_ && !fin_sent_ && length == available && send_window_ > offset + length;
  if (length == 0 && !with_fin) return Done::nothing;
  return emit_new(length, with_fin, now, sink);
}

// Whole segments, or the last bytes there are; never a small piece just because the window is small
// (RFC 1122 section 4.2.3.4), unless it stays so until the persist timer says otherwise.
std::uint32_t Leg::sendable_bytes(std::uint32_t available, std::uint32_t room, std::uint32_t burst) const {
  std::uint32_t length = std::min({available, room, burst});
  if (length == available) return length;
  if (length >= mss_) return length - length % mss_;
  return window_probe_due_ || length >= std::max(largest_send_window_ / 2, 1u) ? length : 0;
}

// [begin, end) once more, or its first kMaxViews pieces.
Leg::Done Leg::emit_again(std::uint32_t begin, std::uint32_t end, TimeNs now, SegmentSink& sink) {
  const bool fin = fin_sent_ && end == send_max_;
  const std::size_t offset = begin - send_unacked_;
  const std::uint32_t wanted = end - begin - (fin ? 1 : 0);
  const std::uint32_t length = gathered_bytes(in_flight_, offset, wanted);
  const bool with_fin = fin && length == wanted;
  buffer::Chain views;
  if (length > 0 && !in_flight_.share(pools_, offset, length, views)) return Done::failed;
  const bool last = unsent_.empty() && offset + length == in_flight_.length_bytes();
  const int flags = kAck | (last && length > 0 ? kPsh : 0) | (with_fin ? kFin : 0);
  if (!emit(begin, static_cast<std::uint8_t>(flags), std::move(views), sink)) return Done::failed;
  flight_.sent_again(begin, begin + length + (with_fin ? 1 : 0), ts_value_, now);
  pacer_.sent(length, flight_.pace(), now);
  loss_probe_stale_ = true;
  return Done::progress;
}

Leg::Done Leg::emit_new(std::uint32_t length, bool with_fin, TimeNs now, SegmentSink& sink) {
  buffer::Chain piece;
  buffer::Chain views;
  if (!unsent_.take_front(pools_, length, piece)) return Done::failed;
  const bool has_data =
      length > 0;  // bytes that leave for the first time: only they are marked (RFC 3168 section 6.1.4)
  const int flags =
      kAck | (unsent_.empty() && has_data ? kPsh : 0) | (with_fin ? kFin : 0) | (reduced_ && has_data ? kCwr : 0);
  if (!piece.share(pools_, 0, length, views) ||
      !emit(send_max_, static_cast<std::uint8_t>(flags), std::move(views), sink, has_data)) {
    piece.append(std::move(unsent_));
    unsent_ = std::move(piece);
    return Done::failed;
  }
  reduced_ = reduced_ && !has_data;
  in_flight_.append(std::move(piece));
  const std::uint32_t end = send_max_ + length + (with_fin ? 1 : 0);
  flight_.sent(send_max_, end, now);
  pacer_.sent(length, flight_.pace(), now);
  send_max_ = end;
  if (with_fin) {
    fin_sent_ = true;
    closed_first_ = !peer_finished_;
  }
  sent_at_ = now;
  window_probe_due_ = false;
  loss_probe_stale_ = true;
  return Done::progress;
}

// RFC 8985 section 7.3: one new segment where the peer's window takes it, else the last one again; in a recovery the
// first one that is missing. Whatever the congestion window says.
Leg::Done Leg::emit_loss_probe(TimeNs now, SegmentSink& sink) {
  const std::uint32_t offset = in_flight_bytes();
  if (offset == 0) {
    loss_probe_due_ = false;
    return Done::nothing;
  }
  const std::uint32_t window = send_window_ > offset ? send_window_ - offset : 0;
  const std::size_t unsent = unsent_.length_bytes();
  const std::uint32_t next =
      gathered_bytes(unsent_, 0, static_cast<std::uint32_t>(std::min<std::size_t>(mss_, unsent)));
  const bool is_first = flight_.probes_first_missing();
  const bool is_new = !is_first && next > 0 && next <= window && !flight_.full();
  Done done = Done::nothing;
  if (is_first) {
    done = emit_again(send_unacked_, flight_.first_missing_end(send_unacked_), now, sink);
  } else if (is_new) {
    done = emit_new(next, false, now, sink);
  } else {
    done = emit_again(send_max_ - std::min<std::uint32_t>(offset, mss_), send_max_, now, sink);
  }
  if (done != Done::progress) return done;
  flight_.probed(send_max_, !is_new);
  loss_probe_due_ = false;
  set_timer(Timer::retransmit, now);
  return Done::progress;
}

// An empty segment just below the window: every host answers it with its ACK and window, and it
// leaves nothing in flight. (A byte beyond the window, as RFC 9293 has it, would.)
Leg::Done Leg::emit_window_probe(SegmentSink& sink) {
  if (!emit(send_unacked_ - 1, kAck, {}, sink)) return Done::failed;
  window_probe_due_ = false;
  return Done::progress;
}

}  // namespace sluice::tcp
