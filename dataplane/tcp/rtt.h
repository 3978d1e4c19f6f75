// Round-trip time and retransmission timeout (RFC 6298), from send times only: the timestamps on
// the wire are the far peer's clock, not ours.
#pragma once

#include <algorithm>

#include "common/time.h"

namespace sluice::tcp {

// The variance term is never below 200 ms, so that a peer's delayed ACK (40 to 200 ms in the wild)
// does not look like a loss. RFC 6298 says 1 s for the whole; hosts have long gone lower.
inline constexpr DurationNs kInitialRto = 1 * kSecond;
inline constexpr DurationNs kMinVariance = 200 * kMillisecond;
inline constexpr DurationNs kMaxRto = 60 * kSecond;

class RttEstimator {
 public:
  void sample(DurationNs rtt) {
    rtt = std::min(rtt, kMaxRto);
    if (smoothed_ == 0) {
      smoothed_ = std::max<DurationNs>(rtt, 1);
      variance_ = rtt / 2;
    } else {
      const DurationNs error = rtt > smoothed_ ? rtt - smoothed_ : smoothed_ - rtt;
      variance_ = (3 * variance_ + error) / 4;
      smoothed_ = std::max<DurationNs>((7 * smoothed_ + rtt) / 8, 1);
    }
    rto_ = std::min(smoothed_ + std::max(4 * variance_, kMinVariance), kMaxRto);
  }
  [[nodiscard]] DurationNs smoothed() const { return smoothed_; }  // 0: no sample yet
  [[nodiscard]] DurationNs variance() const { return variance_; }
  [[nodiscard]] DurationNs rto() const { return rto_; }
  [[nodiscard]] DurationNs rto(unsigned backoff) const { return std::min(rto_ << std::min(backoff, 10u), kMaxRto); }

 private:
  DurationNs smoothed_ = 0;
  DurationNs variance_ = 0;
  DurationNs rto_ = kInitialRto;
};

}  // namespace sluice::tcp
