// The CPU and library that scan databases are compiled for: a Hyperscan database is tied to both.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::rules {

struct Platform {
  std::string hyperscan_version;
  std::uint32_t cpu_tune = 0;
  std::uint64_t cpu_features = 0;
  bool operator==(const Platform&) const = default;
};

Platform this_platform();

}  // namespace sluice::rules
