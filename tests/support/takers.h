// Threads that take from a bucket on one clock of the test's own, and what they took, held against rate × t + burst.
#pragma once

#include <algorithm>
#include <thread>
#include <vector>

#include "common/random.h"
#include "dataplane/enforce/bucket.h"

namespace sluice::enforce::test {

struct Take {
  TimeNs now;
  std::uint64_t units;
};

// Each thread tries `tries` times for 1 to `most` units. The clock goes on with every try, by what on average takes
// half of what is asked for.
template <class Try>
std::vector<Take> take_in_threads(std::size_t threads, std::size_t tries, std::uint64_t seed, const Terms& terms,
                                  std::uint64_t most, Try&& attempt) {
  std::atomic<TimeNs> clock{1000 * kSecond};
  std::vector<std::vector<Take>> taken(threads);
  const DurationNs step = std::max<DurationNs>(1, terms.cost_of((most + 1) / 2));
  const auto run = [&](std::size_t index) {
    Random random(seed * 64 + index);
    for (std::size_t i = 0; i < tries; ++i) {
      const TimeNs now = clock.fetch_add(random.below(step)) + 1;
      const std::uint64_t units = 1 + random.below(most);
      if (attempt(units, now)) taken[index].push_back({now, units});
    }
  };
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) running.emplace_back(run, i);
  for (std::thread& thread : running) thread.join();
  std::vector<Take> all;
  for (const auto& one : taken) all.insert(all.end(), one.begin(), one.end());
  std::ranges::sort(all, {}, &Take::now);
  return all;
}

// By how many units the worst stretch of time, from one take to another, is over; 0 when none is.
inline long double excess(const std::vector<Take>& taken, std::uint64_t units, DurationNs period, std::uint64_t burst) {
  // The largest sum of a run of takes, each less the time since the one before it.
  long double worst = 0;
  long double run = 0;
  TimeNs before = 0;
  for (const Take& take : taken) {
    const long double grown = static_cast<long double>(take.now - before) * static_cast<long double>(units) /
                              static_cast<long double>(period);
    run = std::max(run - grown, 0.0L) + static_cast<long double>(take.units);
    before = take.now;
    worst = std::max(worst, run - static_cast<long double>(burst));
  }
  return worst < 1e-6L ? 0.0L : worst;
}

}  // namespace sluice::enforce::test
