// How control's values look in JSON (docs/operating.md). Bytes that are no UTF-8 text go as base64.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/time.h"
#include "control/archive/exchange.h"
#include "control/archive/session_row.h"
#include "control/channel/server.h"
#include "control/publish/publisher.h"
#include "control/replay/replay.h"
#include "rules/problem.h"

namespace sluice::control {

using Json = nlohmann::ordered_json;

// "2026-11-20T23:49:43.123456789Z"; null for 0.
Json time_json(WallNs wall_ns);
// {"text": ...} or {"base64": ...}
Json bytes_json(std::string_view bytes);

Json error_json(const Error& error, const rules::Problems& problems);
Json data_plane_json(const DataPlane& data_plane);
Json counters_json(const Counters& counters);
// Who did what, since the data plane began.
Json callers_json(const Counters& counters, WallNs start_wall_ns);
Json policy_json(const StoredPolicy& policy);
Json session_json(const SessionRow& row);
Json exchanges_json(const Exchanges& exchanges);
Json replay_json(const ReplayReport& report);

// Text that cannot fail: what is no UTF-8 is replaced.
std::string dump(const Json& json);

}  // namespace sluice::control
