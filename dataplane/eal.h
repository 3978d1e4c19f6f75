// Brings DPDK's environment up: memory, cores and devices as the configuration says.
#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "dataplane/config.h"

namespace sluice {

inline constexpr unsigned kWorkerLcore = 1;  // lcore 0 is everything else of the process

// Once a process. Says in words what it fell back to.
Result<void> start_eal(const DataplaneConfig& config);
// The arguments it gives to DPDK.
std::vector<std::string> eal_arguments(const DataplaneConfig& config, unsigned cpus, bool hugepages_free);

}  // namespace sluice
