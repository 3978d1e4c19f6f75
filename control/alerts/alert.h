// An alert as it is kept and told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/time.h"
#include "common/unit.h"
#include "control/alerts/rule.h"
#include "control/alerts/snapshot.h"
#include "control/channel/holds.h"

namespace sluice::control {

using AlertId = std::uint64_t;  // never 0; they grow

struct Alert {
  AlertId id = 0;
  std::string rule = {};
  AlertSeverity severity = AlertSeverity::warning;
  std::string summary = {};  // of the rule
  AlertKey key = {};
  std::string measure = {};  // "requests", "burn rate of errors"
  AlertUnit unit = AlertUnit::count;
  double value = 0, above = 0;
  std::vector<std::string> principals = {};
  std::vector<SessionId> sessions = {};  // the latest
  OrderId order = 0;                     // the pause that it made
  std::string action = {};               // what became of `pause`, for people; empty: none was asked for
  std::vector<std::string> tell = {};    // sinks
  WallNs raised = 0;
  WallNs cleared = 0;  // 0: it is active
  double cleared_value = 0;
  bool rule_is_gone = false;  // why it is over
};

// "runaway: requests of ci-chunker at orders: 812/s, above 200/s": one line, whatever callers call themselves.
std::string alert_text(const Alert& alert);

// One thing to tell.
struct AlertEvent {
  std::uint64_t sequence = 0;
  bool is_raised = false;
  Alert alert = {};  // as it is now
  std::uint64_t lost =
      0;  // not 0: about no alert; so many before it, the last of which it has the number, are never told
};
// "3 events of alerts were not told, and will not be".
std::string lost_text(std::uint64_t lost);

}  // namespace sluice::control
