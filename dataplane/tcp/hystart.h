// When the first slow start of a connection is over although nothing was lost (HyStart++, RFC 9406): once round trips
// grow, a queue is filling up, and doubling on would overflow it. From then on the window grows by a quarter as much
// for a few rounds, and if round trips stay long, slow start has ended; if they shorten, it goes on. Pure: sequence
// numbers and round trips come in. The window is its owner's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/time.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

class HyStart {
 public:
  // An ACK that is up to date: all before `ack` has arrived, all before `send_max` was sent. `rtt`: 0 where it tells
  // none. True when slow start is over.
  bool on_acknowledged(std::uint32_t ack, std::uint32_t send_max, DurationNs rtt) {
    if (!begun_ || after(ack, round_end_)) {
      if (begin_round(send_max)) return true;
    }
    if (rtt == 0) return false;
    shortest_ = std::min(shortest_, rtt);
    if (samples_ < kSamples) ++samples_;
    if (samples_ < kSamples) return false;
    if (!careful_ && last_shortest_ != kNever && shortest_ >= last_shortest_ + margin()) {
      careful_ = true;
      baseline_ = shortest_;
      rounds_left_ = kCarefulRounds;
    } else if (careful_ && shortest_ < baseline_) {
      careful_ = false;
    }
    return false;
  }
  // By how much the window grows for `bytes` that arrived.
  [[nodiscard]] std::uint32_t growth(std::uint32_t bytes) const { return careful_ ? bytes / kCarefulDivisor : bytes; }

 private:
  static constexpr unsigned kSamples = 8;
  static constexpr unsigned kCarefulRounds = 5;
  static constexpr std::uint32_t kCarefulDivisor = 4;
  static constexpr DurationNs kLeastMargin = 4 * kMillisecond;
  static constexpr DurationNs kMostMargin = 16 * kMillisecond;

  [[nodiscard]] DurationNs margin() const { return std::clamp(last_shortest_ / 8, kLeastMargin, kMostMargin); }
  bool begin_round(std::uint32_t send_max) {
    const bool over = begun_ && careful_ && --rounds_left_ == 0;
    begun_ = true;
    round_end_ = send_max;
    last_shortest_ = shortest_;
    shortest_ = kNever;
    samples_ = 0;
    return over;
  }

  DurationNs last_shortest_ = kNever;  // of the round before
  DurationNs shortest_ = kNever;       // of this round
  DurationNs baseline_ = 0;            // when care began
  std::uint32_t round_end_ = 0;
  std::uint8_t samples_ = 0;
  std::uint8_t rounds_left_ = 0;
  bool begun_ = false;
  bool careful_ = false;
};

}  // namespace sluice::tcp
