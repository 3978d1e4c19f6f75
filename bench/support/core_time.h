// Cycles that this thread spent on its core. On a machine that others use too, the time stamp counter goes on while
// another thread has the core; that time is taken off. Costs nothing when nobody came between: the kernel clears a word
// of the thread's rseq area when it preempts (rseq(2)), and only then the scheduler's account is read. Where there is
// no rseq (valgrind) the counter is all there is.
#pragma once

#include <cstdint>

#include "common/fd.h"
#include "common/time.h"

namespace sluice::bench {

class CoreTime {
 public:
  CoreTime();

  void begin();
  // Cycles since begin().
  std::uint64_t end();
  // Whether another thread had the core between the last begin() and end().
  [[nodiscard]] bool preempted() const { return preempted_; }

 private:
  [[nodiscard]] std::uint64_t waited_ns() const;

  Fd schedstat_;
  double cycles_per_ns_;
  std::uint64_t waited_ns_ = 0;
  std::uint64_t begin_ = 0;
  bool preempted_ = false;
};

// What so many cycles last.
DurationNs ns_of(std::uint64_t cycles);

}  // namespace sluice::bench
