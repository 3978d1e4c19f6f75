// Reads the key `risk` of a service: lines that scores cross, and the behaviour that adds to them.
#pragma once

#include "rules/fields.h"
#include "rules/risk.h"

namespace sluice::rules {

Risk read_risk(const YamlNode& node, Report& report);

}  // namespace sluice::rules
