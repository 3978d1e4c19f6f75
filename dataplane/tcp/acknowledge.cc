// What an acknowledgement tells the leg: bytes that can be forgotten, and the peer's window. What it tells of
// losses is flight.cc's.
#include <algorithm>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

void Leg::on_acknowledgement(const SegmentIn& segment, TimeNs now) {
  if (ecn_) note_marks(segment, now);
  if (timer_ == Timer::persist) progress_at_ = now;  // the peer answers, so it lives, however small its window
  if (!after(segment.ack, send_unacked_)) {
    if (in_flight_bytes() == 0 && segment.sack.empty()) return update_send_window(segment);
    return on_same_acknowledgement(segment, now);
  }
  update_send_window(segment);
  bool restart_timer = true;
  if (segment.sack.empty() && flight_.is_calm()) {
    flight_.on_progress(segment.ack, now);
  } else {
    restart_timer = flight_.on_acknowledgement(acknowledgement_of(segment), now);
  }
  on_progress(segment.ack, restart_timer, now);
}

// A number that was heard before: it may tell of a window, of a hole, or of bytes behind one.
void Leg::on_same_acknowledgement(const SegmentIn& segment, TimeNs now) {
  const bool same_window = (static_cast<std::uint32_t>(segment.window) << send_shift_) == send_window_;
  update_send_window(segment);
  Acknowledgement in = acknowledgement_of(segment);
  in.duplicate = segment.ack == send_unacked_ && in_flight_bytes() > 0 && same_window && segment.payload.empty() &&
                 (segment.flags & wire::kFin) == 0;
  if (in.duplicate || !in.sack.empty()) flight_.on_acknowledgement(in, now);
}

Acknowledgement Leg::acknowledgement_of(const SegmentIn& segment) const {
  return {.ack = segment.ack,
          .unacked = send_unacked_,
          .send_max = send_max_,
          .sack = segment.sack,
          .has_echo = timestamps_ && segment.has_timestamps,
          .ts_echo = segment.ts_echo};
}

// RFC 9293 section 3.10.7.4: an old segment must not bring back an old window.
void Leg::update_send_window(const SegmentIn& segment) {
  if (before(segment.ack, send_unacked_)) return;
  const bool newer =
      after(segment.seq, window_seq_) || (segment.seq == window_seq_ && !before(segment.ack, window_ack_));
  if (!newer) return;
  send_window_ = static_cast<std::uint32_t>(segment.window) << send_shift_;
  largest_send_window_ = std::max(largest_send_window_, send_window_);
  window_seq_ = segment.seq;
  window_ack_ = segment.ack;
}

void Leg::on_progress(std::uint32_t ack, bool restart_timer, TimeNs now) {
  const std::uint32_t acked = ack - send_unacked_;
  in_flight_.drop_front(std::min<std::size_t>(acked, in_flight_.length_bytes()));
  send_unacked_ = ack;
  progress_at_ = now;
  loss_probe_due_ = false;
  loss_probe_stale_ = true;
  if (in_flight_bytes() == 0) {
    set_timer(Timer::none, now);
  } else if (restart_timer) {
    set_timer(Timer::retransmit, now);
  }
  if (fin_sent_ && ack == send_max_) {
    fin_acked_ = true;
    finish_if_both_did(now);
  }
}

// What the peer last told, as one more ACK would tell it again.
Acknowledgement Leg::last_acknowledgement() const {
  return {.ack = send_unacked_, .unacked = send_unacked_, .send_max = send_max_};
}

}  // namespace sluice::tcp
