// Reads the key `hold` of a service: how its requests wait for a decision, and who may decide.
#pragma once

#include "rules/fields.h"
#include "rules/hold.h"

namespace sluice::rules {

HoldTerms read_hold(const YamlNode& node, Report& report);

}  // namespace sluice::rules
