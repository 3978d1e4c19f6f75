// One timer at a time is enough: something is in flight (retransmit), or waits for the peer's window
// (persist), or both streams have ended (time_wait).
#include <algorithm>

#include "dataplane/tcp/leg.h"

namespace sluice::tcp {

void Leg::set_timer(Timer timer, TimeNs now) {
  if (timer != timer_ && (timer == Timer::persist || timer_ == Timer::persist)) backoff_ = 0;
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
      timer_at_ = now + std::min(rtt_.rto(backoff_), left);
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
  if (fitting == timer_) return;
  progress_at_ = now;
  set_timer(fitting, now);
}

void Leg::on_timer(TimeNs now) {
  if (retry_at_ <= now) retry_at_ = kNever;  // output() follows and tries
  if (timer_at_ > now) return;
  if (timer_ == Timer::time_wait) return close(ErrorCode::ok);
  if (now - progress_at_ >= limits_.give_up_after) return abort(ErrorCode::tcp_timeout);
  if (timer_ == Timer::persist) {
    probe_due_ = true;
    ++backoff_;
    return set_timer(Timer::persist, now);
  }
  on_retransmission_timeout(now);
}

// RFC 6298 section 5 and RFC 5681 section 3.1. What is in flight counts as lost; the first segment
// goes out whatever the windows say, the rest as they open.
void Leg::on_retransmission_timeout(TimeNs now) {
  congestion_.on_timeout(in_flight_bytes(), backoff_ > 0, now);
  in_recovery_ = false;
  duplicates_ = 0;
  recover_ = send_max_;
  send_next_ = send_unacked_;
  front_due_ = true;
  timing_ = false;
  ++backoff_;
  set_timer(Timer::retransmit, now);
}

}  // namespace sluice::tcp
