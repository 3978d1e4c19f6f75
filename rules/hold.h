// What a service's policy says about units that wait for a reviewer's decision: how long, what is decided when nobody
// does, how much of a unit is taken meanwhile, and who may decide.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::rules {

// Without groups everyone who may use the API decides.
struct Approvers {
  std::vector<std::string> groups;
  std::uint32_t minimum = 1;  // different people
};

struct HoldTerms {
  std::uint64_t timeout_ns = 15ULL * 60 * 1'000'000'000;
  bool pass_on_timeout = false;
  bool ticket = false;                     // the client is answered at once, and asks again
  std::uint32_t body_bytes = 1024 * 1024;  // taken from the client while a unit waits; then its window closes
  Approvers approvers;
};

}  // namespace sluice::rules
