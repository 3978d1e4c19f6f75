// A snapshot with the counters that belong to its services and rules. Shared, immutable; made and
// freed outside the data path (the host keeps a reference until no session holds one).
#pragma once

#include <memory>
#include <vector>

#include "common/metrics.h"
#include "dataplane/enforce/snapshot.h"

namespace sluice::session {

// One writer: the worker. They outlive every policy, so that a push does not reset them.
struct ServiceCounters {
  Counter sessions, closed, requests, responses, request_bytes, response_bytes, denied, errors;
  Counter spliced, forwarded;  // sessions that came down to it
};

struct Policy {
  std::unique_ptr<const enforce::Snapshot> snapshot;
  std::vector<ServiceCounters*> services;       // by Service::index
  std::vector<Counter*> rules;                  // by RuleIndex
  std::vector<enforce::LimitCounters*> limits;  // by Limit::index

  [[nodiscard]] ServiceCounters& counters(const enforce::Service& service) const { return *services[service.index]; }
};

using PolicyRef = std::shared_ptr<const Policy>;

}  // namespace sluice::session
