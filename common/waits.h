// How long callers wait for an answer, as it is counted: by buckets, each up to a bound and the last without one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/time.h"

namespace sluice {

inline constexpr std::array<DurationNs, 17> kWaitBoundsNs = {
    100 * kMicrosecond, 250 * kMicrosecond, 500 * kMicrosecond, 1 * kMillisecond,    2500 * kMicrosecond,
    5 * kMillisecond,   10 * kMillisecond,  25 * kMillisecond,  50 * kMillisecond,   100 * kMillisecond,
    250 * kMillisecond, 500 * kMillisecond, 1 * kSecond,        2500 * kMillisecond, 5 * kSecond,
    10 * kSecond,       30 * kSecond};
inline constexpr std::size_t kWaitBuckets = kWaitBoundsNs.size() + 1;

// The first whose bound it does not exceed.
inline std::size_t wait_bucket(DurationNs wait_ns) {
  return static_cast<std::size_t>(std::ranges::lower_bound(kWaitBoundsNs, wait_ns) - kWaitBoundsNs.begin());
}

}  // namespace sluice
