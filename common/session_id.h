// Session ids: 16 hex digits that grow with time and stay unique across restarts.
// Bits 63..58 the worker, 57..0 a counter that starts at the wall clock in microseconds; a worker
// would have to open more than a million sessions a second on average to run into its next start.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/time.h"
#include "common/unit.h"

namespace sluice {

class SessionIds {
 public:
  SessionIds(unsigned worker, WallNs start_wall_ns);
  SessionId next() { return next_++; }

 private:
  SessionId next_;
};

std::string format_session_id(SessionId id);
std::optional<SessionId> parse_session_id(std::string_view text);

}  // namespace sluice
