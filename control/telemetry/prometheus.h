// What the data plane counts in Prometheus' text format (version 0.0.4).
// Always: valid UTF-8, whatever names callers gave themselves; no more than kMostSeries series of one family of rules
// or limits, the rest added up under the name "(others)".
#pragma once

#include <cstddef>
#include <string>

#include "control/channel/server.h"

namespace sluice::control {

inline constexpr std::size_t kMostSeries = 1000;
inline constexpr const char* kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// Without a report only whether a data plane is connected.
std::string prometheus_text(const ChannelStatus& status);

}  // namespace sluice::control
