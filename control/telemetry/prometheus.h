// What the data plane counts in Prometheus' text format (version 0.0.4).
// Always: valid UTF-8, whatever names callers gave themselves; no more than kMostSeries series of one family of rules
// or limits, the rest added up under the name "(others)".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "control/channel/server.h"

namespace sluice::control {

inline constexpr std::size_t kMostSeries = 1000;
inline constexpr const char* kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// Control's own alerts: how many of each are active, and times that one found no room to be watched.
struct AlertGauges {
  std::vector<NamedCount> active;
  std::uint64_t untracked = 0;
  std::uint64_t unpaused = 0;
  std::vector<NamedCount> lost = {};  // events, by sink
};

// What is told of holds: whether it is kept now, and how often something was not.
struct ApprovalGauges {
  bool is_kept = true;
  std::uint64_t unkept = 0;
};

// Without a report only whether a data plane is connected, and alerts.
std::string prometheus_text(const ChannelStatus& status, const AlertGauges& alerts = {},
                            const ApprovalGauges& approvals = {});

}  // namespace sluice::control
