// main() of tests that use mbufs: EAL in plain memory, so that neither hugepages nor root are needed.
#include <gtest/gtest.h>
#include <rte_eal.h>

#include <cstdio>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* eal[] = {"test", "--no-huge",   "--no-pci", "--no-telemetry", "--no-shconf", "-m",
                       "512",  "--log-level", "4",        "--lcores",       "0@(0-63)"};
  if (rte_eal_init(static_cast<int>(std::size(eal)), const_cast<char**>(eal)) < 0) {
    std::fprintf(stderr, "DPDK's EAL did not start\n");
    return 1;
  }
  return RUN_ALL_TESTS();
}
