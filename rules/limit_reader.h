// Reads the key `limits` of a service, and of a principal, whose limits hold for all that it does together.
#pragma once

#include <vector>

#include "rules/fields.h"
#include "rules/limit.h"

namespace sluice::rules {

enum class LimitsOf : std::uint8_t { service, principal };

// Each with a name of its own.
std::vector<Limit> read_limits(const YamlNode& list, LimitsOf owner, Report& report);

}  // namespace sluice::rules
