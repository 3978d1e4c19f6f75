// Holds, votes, orders and the audit in JSON (docs/operating.md).
#pragma once

#include "control/api/json.h"
#include "control/approvals/desk.h"

namespace sluice::control {

// `needed`: approvals that it takes; 0 when no policy says.
Json hold_json(const Hold& hold, std::uint32_t needed, WallNs now);
Json hold_detail_json(const HoldDetail& detail, std::uint32_t needed, WallNs now);
Json order_json(const Order& order, WallNs now);
Json audit_json(const AuditEntry& entry);

}  // namespace sluice::control
