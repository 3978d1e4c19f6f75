// DPDK's environment for a benchmark: hugepages where enough are free, plain memory elsewhere or when
// SLUICE_BENCH_PLAIN_MEMORY is set.
#pragma once

#include <cstddef>

namespace sluice::bench {

// Ends the process, in words, when DPDK does not start.
void start_eal(std::size_t megabytes);
// What the memory lies in, for the context of a report.
const char* eal_memory();

}  // namespace sluice::bench
