// Time as Sluice counts it. Nothing below worker/ and control/ reads a clock: `now` is passed in.
#pragma once

#include <cstdint>

namespace sluice {

using TimeNs = std::uint64_t;  // monotonic; only differences mean anything
using WallNs = std::uint64_t;  // since the Unix epoch, for records
using DurationNs = std::uint64_t;

inline constexpr DurationNs kMicrosecond = 1'000;
inline constexpr DurationNs kMillisecond = 1'000'000;
inline constexpr DurationNs kSecond = 1'000'000'000;
inline constexpr TimeNs kNever = ~TimeNs{0};

}  // namespace sluice
