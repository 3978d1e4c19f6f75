// How long a worker polls for nothing before it rests. To be woken costs more than a short wait, for who waits and for
// the core; so while frames come soon after each other it waits a little longer than it usually has to, and else it
// rests at once.
#pragma once

#include <algorithm>

#include "common/time.h"

namespace sluice::worker {

class Patience {
 public:
  explicit Patience(TimeNs now) : idle_since_(now) {}

  // A burst with something to do began and ended.
  void was_busy(TimeNs began, TimeNs ended) {
    const DurationNs gap = std::min(began - std::min(began, idle_since_), kLongestGap);
    usual_gap_ = (usual_gap_ * 7 + gap) / 8;
    idle_since_ = ended;
  }
  [[nodiscard]] bool is_over(TimeNs now) const { return now - idle_since_ > limit(); }

 private:
  static constexpr DurationNs kLeast = 5 * kMicrosecond;
  static constexpr DurationNs kSoon = 150 * kMicrosecond;        // a gap that is worth waiting for
  static constexpr DurationNs kLongestGap = 500 * kMicrosecond;  // that is told apart: one pause is soon forgotten

  [[nodiscard]] DurationNs limit() const { return usual_gap_ > kSoon ? kLeast : std::max(kLeast, 2 * usual_gap_); }

  TimeNs idle_since_;
  DurationNs usual_gap_ = kLongestGap;
};

}  // namespace sluice::worker
