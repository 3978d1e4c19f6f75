// One timer at a time is enough: something is in flight (retransmit), or waits for the peer's window
// (persist), or both streams have ended (time_wait). What may come before a retransmission timeout, to make it
// unnecessary, is flight.h's early timer.
#include <algorithm>

#include "dataplane/tcp/leg.h"

namespace sluice::tcp {

void Leg::set_timer(Timer timer, TimeNs now) {
  if (timer != timer_ && (timer == Timer::persist || timer_ == Timer::persist)) flight_.forget_backoff();
  timer_ = timer;
  switch (timer) {
    case Timer::none:
      timer_at_ = kNever;
      return;
    case Timer::time_wait:
      timer_at_ = now + limits_.time_wait;
      return;
    case Timer::retransmit:
    case Timer::persist: {
      const DurationNs left = limits_.give_up_after - std::min(now - progress_at_, limits_.give_up_after);
      timer_at_ = now + std::min(flight_.rto(), left);
      return;
    }
  }
}

// After an output: the timer that fits what is now outstanding. A running one keeps its time.
void Leg::settle_timer(TimeNs now) {
  if (state_ != LegState::open) return;
  Timer fitting = Timer::none;
  if (in_flight_bytes() > 0) {
    fitting = Timer::retransmit;
  } else if (has_unsent() && retry_at_ == kNever) {
    fitting = Timer::persist;
  }
  if (fitting != timer_) {
    progress_at_ = now;
    set_timer(fitting, now);
  }
  if (!loss_probe_stale_) return;
  loss_probe_stale_ = false;
  flight_.arm_probe(now, timer_at_);
}

void Leg::on_timer(TimeNs now) {
  if (retry_at_ <= now) retry_at_ = kNever;  // output() follows and tries
  if (flight_.early_at() <= now && flight_.on_early_timer(last_acknowledgement(), now)) {
    loss_probe_due_ = true;
    if (now - progress_at_ < limits_.give_up_after) return set_timer(Timer::retransmit, now);  // it starts over
  }
  if (timer_at_ > now) return;
  if (timer_ == Timer::time_wait) return close(ErrorCode::ok);
  if (now - progress_at_ >= limits_.give_up_after) return abort(ErrorCode::tcp_timeout);
  if (timer_ == Timer::persist) {
    window_probe_due_ = true;
    flight_.back_off();
  } else {
    loss_probe_due_ = false;
    flight_.on_timeout(send_unacked_, send_max_, now);
  }
  set_timer(timer_, now);
}

}  // namespace sluice::tcp
