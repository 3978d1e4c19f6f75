#include "bench/support/eal.h"

#include <rte_eal.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

bool uses_hugepages = false;

std::size_t free_hugepage_megabytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string word;
  std::size_t pages = 0;
  std::size_t page_kilobytes = 0;
  while (meminfo >> word) {
    if (word == "HugePages_Free:") meminfo >> pages;
    if (word == "Hugepagesize:") meminfo >> page_kilobytes;
  }
  return pages * page_kilobytes / 1024;
}

// The CPUs this process may use, as one logical core that floats over them: pinning is left to who measures.
std::string one_floating_lcore() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::string cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
  return "0@(" + cpus + ")";
}

}  // namespace

const char* eal_memory() {
  return uses_hugepages ? "hugepages" : "plain";
}

void start_eal(std::size_t megabytes) {
  uses_hugepages = std::getenv("SLUICE_BENCH_PLAIN_MEMORY") == nullptr && free_hugepage_megabytes() > megabytes;
  std::vector<std::string> arguments{"bench",       "--no-pci",      "--no-telemetry",
                                     "--no-shconf", "--log-level=4", "--lcores=" + one_floating_lcore()};
  if (uses_hugepages)
    arguments.insert(arguments.end(), {"--in-memory"});
  else
    arguments.insert(arguments.end(), {"--no-huge", "-m", std::to_string(megabytes)});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0) return;
  std::fprintf(stderr, "DPDK's EAL did not start\n");
  std::exit(1);
}

}  // namespace sluice::bench
