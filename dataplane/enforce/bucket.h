// A token bucket in one 64-bit word: the generic cell rate algorithm. The word is the theoretical arrival time (TAT),
// the time at which the bucket is full again; a unit moves it on by what a unit takes to grow back. Always: in any
// stretch of t, of all threads together, no more than rate × t + burst is taken; what is refused takes nothing. A TAT
// that has passed says no more than one of 0. Needs no clock: `now` comes in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/time.h"

namespace sluice::enforce {

// What a bucket holds and how fast that grows back, as times. A unit that takes more than a few ns takes a whole number
// of them, rounded up, so that a full bucket gives just `burst`.
class Terms {
 public:
  // `units` in each `period_ns`; all at least 1, and burst × period_ns / units below kMaxRefillNs.
  static constexpr DurationNs kMaxRefillNs = 400ULL * 24 * 3600 * kSecond;
  Terms(std::uint64_t units, DurationNs period_ns, std::uint64_t burst);

  // What n units take to grow back, rounded up. More than the bucket holds is as much as it holds and 1 ns.
  [[nodiscard]] DurationNs cost_of(std::uint64_t n) const {
    if (units_ == 1 && n == 1) return period_ns_;
    return n <= burst_ ? cost_within_burst(n) : capacity_ns_ + 1;
  }
  // Whole units that grow back in a time.
  [[nodiscard]] std::uint64_t units_in(DurationNs time) const;
  [[nodiscard]] DurationNs capacity_ns() const { return capacity_ns_; }
  [[nodiscard]] std::uint64_t burst() const { return burst_; }

 private:
  [[nodiscard]] DurationNs cost_within_burst(std::uint64_t n) const;

  std::uint64_t units_;
  DurationNs period_ns_;
  std::uint64_t burst_;
  DurationNs capacity_ns_;
};

using BucketWord = std::atomic<std::uint64_t>;

struct BucketAnswer {
  bool fits = false;
  DurationNs wait_ns = 0;  // when refused: after this it would fit, if nobody else came
};

// Takes what costs `cost_ns`, or nothing.
inline BucketAnswer take(BucketWord& word, const Terms& terms, DurationNs cost_ns, TimeNs now) {
  std::uint64_t tat = word.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t next = (tat > now ? tat : now) + cost_ns;
    if (next > now + terms.capacity_ns()) return {false, next - now - terms.capacity_ns()};
    if (word.compare_exchange_weak(tat, next, std::memory_order_relaxed)) return {true, 0};
  }
}

// Undoes a take() of just now.
inline void give_back(BucketWord& word, DurationNs cost_ns) {
  word.fetch_sub(cost_ns, std::memory_order_relaxed);
}

}  // namespace sluice::enforce
