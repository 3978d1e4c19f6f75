// What a data plane counts, as plain values: made by it, told over the channel, shown by control.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/hold.h"
#include "common/waits.h"

namespace sluice {

struct NamedCount {
  std::string name;
  std::uint64_t value = 0;
};

struct ServiceCount {
  std::string service;
  std::uint64_t sessions = 0, open = 0, requests = 0, responses = 0, request_bytes = 0, response_bytes = 0, denied = 0,
                errors = 0, spliced = 0, forwarded = 0;
};

struct LimitCount {
  std::string limit;
  std::uint64_t passed = 0, denied = 0, throttled = 0, observed = 0, held = 0;
};

// Requests that wait for a decision, and since start how many came to and how they ended.
struct HoldCounts {
  std::uint64_t open = 0, opened = 0, exhausted = 0;
  std::array<std::uint64_t, kHoldEndings> ended{};  // by HoldEnding
};

inline constexpr std::size_t kMostCallerNameBytes = 63;  // of service and principal; longer ones are cut

// Under which it counts whom nobody knows a name of, and those for whom there was no row.
inline constexpr std::string_view kAnonymous = "anonymous";
inline constexpr std::string_view kOthers = "(others)";

// What a caller did of a service, and how long its answers took (waits.h).
struct CallerCount {
  std::string service, principal;
  std::uint64_t source = 0;  // of a name that its caller gave itself: from where (source.h)
  std::uint64_t requests = 0, responses = 0, errors = 0, denied = 0, request_bytes = 0, response_bytes = 0,
                waited_ns = 0;
  std::array<std::uint64_t, kWaitBuckets> waits{};
};

struct CounterReport {
  std::uint64_t policy_version = 0;
  std::vector<ServiceCount> services;
  std::vector<NamedCount> rules, drops, ports;
  std::vector<LimitCount> limits;
  HoldCounts holds;
  std::vector<CallerCount> callers;
  std::uint64_t records_appended = 0, records_durable = 0, record_bytes = 0, record_stalls = 0;
  std::string archive_error;
  std::uint64_t worker_busy_ns = 0, sessions_open = 0, buffers_free = 0, lost_events = 0;
};

}  // namespace sluice
