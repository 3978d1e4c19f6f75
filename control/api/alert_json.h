// Alerts in JSON (docs/operating.md): the same for the API, webhooks and commands.
#pragma once

#include <optional>

#include "control/alerts/alerts.h"
#include "control/api/json.h"

namespace sluice::control {

// `value`: its number now; null where there is none.
Json alert_json(const Alert& alert, std::optional<double> value, WallNs now);
Json alerts_status_json(const AlertsStatus& status);
// {"event": "alert_raised" | "alert_cleared", "sequence", "alert"}
Json alert_event_json(const AlertEvent& event, WallNs now);

}  // namespace sluice::control
