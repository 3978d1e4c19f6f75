// The one clock of a simulated world. It goes on only when the world decides so.
#pragma once

#include "common/assert.h"
#include "common/time.h"

namespace sluice::sim {

class Clock {
 public:
  [[nodiscard]] TimeNs now() const { return now_; }
  void advance_to(TimeNs at) {
    SLUICE_ASSERT(at >= now_);
    now_ = at;
  }

 private:
  TimeNs now_ = 1'000 * kSecond;
};

}  // namespace sluice::sim
