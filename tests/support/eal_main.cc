// main() of tests that use mbufs: EAL in plain memory, so that neither hugepages nor root are needed.
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <sched.h>

#include <cstdio>
#include <string>

// One logical core that floats over every CPU this process may use; EAL refuses CPUs that are not there.
static std::string one_floating_lcore() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::string cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus += (cpus.empty() ? "" : ",") + std::to_string(cpu);
  }
  return "0@(" + cpus + ")";
}

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const std::string lcores = one_floating_lcore();
  const char* eal[] = {"test", "--no-huge",   "--no-pci", "--no-telemetry", "--no-shconf", "-m",
                       "512",  "--log-level", "4",        "--lcores",       lcores.c_str()};
  if (rte_eal_init(static_cast<int>(std::size(eal)), const_cast<char**>(eal)) < 0) {
    std::fprintf(stderr, "DPDK's EAL did not start\n");
    return 1;
  }
  return RUN_ALL_TESTS();
}
