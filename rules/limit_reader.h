// Reads the key `limits` of a service, and of a principal, whose limits hold for all that it does together.
#pragma once

#include <vector>

#include "rules/fields.h"
#include "rules/limit.h"

namespace sluice::rules {

enum class LimitsOf : std::uint8_t { service, principal };

// "200/s", of bytes "10MiB/s", and what may come at once, into `limit`.
void read_rate(const YamlNode& node, Limit& limit, Report& report);
void read_burst(const YamlNode& node, Limit& limit, Report& report);
// "400", or of bytes "4MiB": 1 to kMaxLimitUnits.
std::optional<std::uint64_t> parse_units(std::string_view text, bool bytes);

// Each with a name of its own.
std::vector<Limit> read_limits(const YamlNode& list, LimitsOf owner, Report& report);

}  // namespace sluice::rules
