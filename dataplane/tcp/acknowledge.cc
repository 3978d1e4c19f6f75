// What an acknowledgement tells: bytes that can be forgotten, the peer's window, and losses.
// Fast retransmit and recovery follow RFC 6582 (NewReno); after a timeout everything outstanding
// is sent again from the first unacknowledged byte on, as the window allows.
#include <algorithm>

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kDuplicatesForLoss = 3;

}  // namespace

void Leg::on_acknowledgement(const SegmentIn& segment, TimeNs now) {
  if (timer_ == Timer::persist) progress_at_ = now;  // the peer answers, so it lives, however small its window
  const bool same_window = (static_cast<std::uint32_t>(segment.window) << send_shift_) == send_window_;
  if (after(segment.ack, send_unacked_)) {
    update_send_window(segment);
    return on_progress(segment.ack, now);
  }
  const bool duplicate = segment.ack == send_unacked_ && in_flight_bytes() > 0 && same_window &&
                         segment.payload.empty() && (segment.flags & wire::kFin) == 0;
  update_send_window(segment);
  if (duplicate) on_duplicate(now);
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

void Leg::on_progress(std::uint32_t ack, TimeNs now) {
  const std::uint32_t acked = ack - send_unacked_;
  in_flight_.drop_front(std::min<std::size_t>(acked, in_flight_.length_bytes()));
  send_unacked_ = ack;
  send_next_ = later(send_next_, ack);
  progress_at_ = now;
  duplicates_ = 0;
  front_due_ = false;
  if (timing_ && !before(ack, timed_end_)) {
    timing_ = false;
    rtt_.sample(now - timed_at_);
    backoff_ = 0;
  }

  bool restart_timer = true;
  if (in_recovery_ && before(ack, recover_)) {
    congestion_.on_partial(acked);
    front_due_ = true;
    restart_timer = !partial_seen_;  // "impatient": many losses end in a timeout rather than a long crawl
    partial_seen_ = true;
  } else if (in_recovery_) {
    in_recovery_ = false;
    congestion_.on_recovered(in_flight_bytes());
  } else if (window_limited_) {
    congestion_.on_acknowledged(acked, now);
  }

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

void Leg::on_duplicate(TimeNs now) {
  if (in_recovery_) return congestion_.on_duplicate();
  if (++duplicates_ != kDuplicatesForLoss || !after(send_unacked_, recover_)) return;
  in_recovery_ = true;
  partial_seen_ = false;
  recover_ = send_max_;
  congestion_.on_loss(in_flight_bytes(), now);
  front_due_ = true;
  timing_ = false;
}

}  // namespace sluice::tcp
