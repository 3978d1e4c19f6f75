// Control's HTTP/JSON API: the only way in, for the CLI as for everything else. docs/operating.md lists it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "common/error.h"
#include "common/time.h"
#include "control/alerts/alerts.h"
#include "control/approvals/approvals.h"
#include "control/archive/index.h"
#include "control/publish/publisher.h"
#include "control/telemetry/prometheus.h"

namespace sluice::control {

// What the API speaks for; all of it outlives the API.
struct ApiParts {
  Publisher& publisher;
  Index& index;
  Approvals& approvals;
  WallNs start_wall_ns = 0;
  Alerts* alerts = nullptr;          // none without a file of them
  std::string replay_passfile = {};  // of passwords for replays to PostgreSQL; empty: there are none
};

// How many of each are active, and times that there was no room to watch; nothing without a file of them.
AlertGauges alert_gauges(Alerts* alerts);

// What is kept of holds, and times that something of them was not.
ApprovalGauges approval_gauges(const Approvals& approvals);

// Who may decide, as the current policy says; where none is, only who overrides.
Result<ApprovalTerms> approval_terms(Publisher& publisher, const std::string& override_group);

class Api {
 public:
  // `group` may open the socket beside root; empty for none.
  static Result<std::unique_ptr<Api>> start(const ApiParts& parts, const std::string& socket_path,
                                            const std::string& group);
  // Ends replays between two requests, then waits for the answers under way.
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

 private:
  Api();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::control
