// What the worker counts, on DPDK's own telemetry socket beside what DPDK tells by itself (/ethdev/stats,
// /mempool/info): /sluice/events and /sluice/worker, for dpdk-telemetry.py and collectors that speak to it. Answers
// come from DPDK's thread; they read counters and nothing else.
#pragma once

#include "dataplane/worker/loop.h"
#include "dataplane/worker/worker.h"

namespace sluice {

class Telemetry {
 public:
  // At most one at a time; `worker` and `loop` outlive it. Without a telemetry socket nobody asks.
  Telemetry(const worker::Worker& worker, const worker::Loop& loop);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace sluice
