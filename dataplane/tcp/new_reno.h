// The window of RFC 5681: one segment more a round trip, half after a loss. Counts bytes (RFC 3465 without its
// limit, as peers' ACKs cover whole superframes).
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

class NewReno {
 public:
  // By how much `window` grows for `bytes` acknowledged in congestion avoidance.
  std::uint32_t grow(std::uint32_t bytes, std::uint32_t window, std::uint32_t mss, TimeNs, DurationNs) {
    acknowledged_ += std::min(bytes, window);
    if (acknowledged_ < window) return 0;
    acknowledged_ -= window;
    return mss;
  }
  // What is left of `window` after a loss.
  std::uint32_t lower(std::uint32_t window, std::uint32_t, TimeNs) {
    acknowledged_ = 0;
    return window / 2;
  }
  void on_idle(DurationNs) {}
  void undo() {}

 private:
  std::uint32_t acknowledged_ = 0;  // towards the next mss
};

}  // namespace sluice::tcp
