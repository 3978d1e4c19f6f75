// When bytes may leave that the windows would let go at once. On a long path they are spread over the round trip: a
// queue on the way that is shorter than what the path holds would lose the rest of a burst. On a short one ACKs come
// faster than timers, and spread enough; and a small window fits every queue. docs/decisions/0016 has the figures.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

// How fast one path takes bytes, as it is known now.
struct Pace {
  static constexpr DurationNs kLeastRoundTrip = 4 * kMillisecond;  // that timers of a millisecond can divide
  static constexpr std::uint32_t kLeastWindowBytes = 65536;

  std::uint32_t window_bytes = 0;  // for a round trip
  DurationNs round_trip = 0;       // smoothed; 0: not known
  bool slow_start = false;

  [[nodiscard]] bool is_needed() const { return round_trip >= kLeastRoundTrip && window_bytes > kLeastWindowBytes; }
  // A window takes less than the round trip: it may grow, twofold in slow start, and what is late is made up for.
  [[nodiscard]] DurationNs window_lasts() const { return slow_start ? round_trip / 2 : round_trip / 5 * 4; }
  [[nodiscard]] DurationNs lasts(std::uint32_t bytes) const { return bytes * window_lasts() / window_bytes; }
};

class Pacer {
 public:
  // What leaves together, and how late a timer may be.
  static constexpr DurationNs kMoment = kMillisecond;
  static constexpr std::uint32_t kBurstSegments = 10;  // at least: as every connection begins (RFC 6928)

  // Of a pace that is needed: when the next bytes may leave, and how many of them together.
  [[nodiscard]] TimeNs next_at() const { return next_at_; }
  [[nodiscard]] static std::uint32_t burst_bytes(const Pace& pace, std::uint32_t mss) {
    const std::uint64_t in_moment = pace.window_bytes * kMoment / pace.window_lasts();
    return std::max(static_cast<std::uint32_t>(in_moment), kBurstSegments * mss);
  }
  void sent(std::uint32_t bytes, const Pace& pace, TimeNs now) {
    if (pace.is_needed()) next_at_ = std::max(next_at_, now - kMoment) + pace.lasts(bytes);
  }

 private:
  TimeNs next_at_ = 0;
};

}  // namespace sluice::tcp
