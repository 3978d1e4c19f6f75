// Reads the key `hold` of a service: how its requests wait for a decision, and who may decide.
#pragma once

#include "rules/fields.h"
#include "rules/hold.h"

namespace sluice::rules {

// "90s", "15m", "8h": 1s to 24h, in ns.
std::optional<std::uint64_t> parse_time(std::string_view text);

HoldTerms read_hold(const YamlNode& node, Report& report);

}  // namespace sluice::rules
