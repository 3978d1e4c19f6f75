// Callers between two looks at what was counted: how much a second, and how long they waited.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/client.h"

namespace sluice::cli {

struct CallerRate {
  std::string service, principal;
  std::string source;                                      // where it calls from, if it gave itself the name
  double requests = 0, errors = 0, denied = 0, bytes = 0;  // a second; bytes of bodies both ways
  double median_s = -1, slow_s = -1;                       // 50th and 99th percentile; below 0: nothing was answered
  std::uint64_t total = 0;                                 // requests since the data plane began
};

// Names that rates can be ordered by, the first by default.
inline constexpr std::string_view kCallerOrders[] = {"requests", "errors", "denied", "bytes", "wait"};

// From two answers of /v1/callers. What a data plane that began in between counted is all new.
std::vector<CallerRate> caller_rates(const Json& before, const Json& after, std::string_view order);
// A line each, under a line of titles.
std::string callers_text(const std::vector<CallerRate>& rates);

}  // namespace sluice::cli
