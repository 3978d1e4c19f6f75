// Turns a Policy into the bytes that the data plane runs: scan databases for its CPU, everything else
// by index. Rule lists that are equal share one database, across places and services.
#pragma once

#include <cstdint>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "rules/platform.h"
#include "rules/policy.h"

namespace sluice::rules {

// A finished schema::policy::Policy buffer, unsigned; rules/bundle.h wraps it.
Result<std::vector<std::uint8_t>> compile_policy(const Policy& policy, const Platform& platform, std::uint64_t version,
                                                 WallNs now);

}  // namespace sluice::rules
