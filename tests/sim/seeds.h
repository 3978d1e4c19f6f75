// Which seeds a simulation runs: SLUICE_SIM_SEEDS=N for the first N, SLUICE_SIM_SEED=S for one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace sluice::sim {

inline std::vector<std::uint64_t> seeds(std::uint64_t default_count) {
  if (const char* one = std::getenv("SLUICE_SIM_SEED")) return {std::strtoull(one, nullptr, 0)};
  const char* count = std::getenv("SLUICE_SIM_SEEDS");
  std::vector<std::uint64_t> all(count != nullptr ? std::strtoull(count, nullptr, 0) : default_count);
  for (std::uint64_t i = 0; i < all.size(); ++i) all[i] = i + 1;
  return all;
}

inline std::string reproduce(std::uint64_t seed) {
  return "reproduce with SLUICE_SIM_SEED=" + std::to_string(seed);
}

}  // namespace sluice::sim
