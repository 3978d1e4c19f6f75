// The clocks, for those few who may read one: threads' loops and control. Everything below gets `now`.
#pragma once

#include <ctime>

#include "common/time.h"

namespace sluice {

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

inline TimeNs monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
inline WallNs wall_ns() {
  return clock_ns(CLOCK_REALTIME);
}

}  // namespace sluice
