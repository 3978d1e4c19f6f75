// CUBIC (RFC 9438): after a loss the window returns fast to where the loss was, stays there a while, and then
// looks for more, by a function of time and not of the round trip; never slower than Reno would be.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

class Cubic {
 public:
  // By how much `window` grows for `bytes` acknowledged in congestion avoidance.
  std::uint32_t grow(std::uint32_t bytes, std::uint32_t window, std::uint32_t mss, TimeNs now, DurationNs rtt);
  // What is left of `window` after a loss.
  std::uint32_t lower(std::uint32_t window, std::uint32_t mss, TimeNs now);
  // Time in which nothing was sent does not count.
  void on_idle(DurationNs idle);
  // The last lower() was needless.
  void undo() { epoch_ = before_; }

 private:
  struct Epoch {  // since the last loss; windows in bytes
    TimeNs began_at = 0;
    float top = 0;     // W_max: around which the function is flat
    float before = 0;  // cwnd_prior: the window that the loss found
    float rise_s = 0;  // K: from the beginning to the top
    float reno = 0;    // W_est: what Reno would have
    bool begun = false;
  };
  void begin(std::uint32_t window, std::uint32_t mss, TimeNs now);

  Epoch epoch_;
  Epoch before_;
  float fraction_ = 0;  // of a byte and more, not yet given
};

}  // namespace sluice::tcp
