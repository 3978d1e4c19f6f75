// `sluice rules explain`: what one rule looks for, how it is found, and what is done then.
#pragma once

#include <string>

#include "common/error.h"
#include "workbench/given_rules.h"

namespace sluice::workbench {

Result<std::string> explain_rule(const GivenNames& names, const std::string& rule, bool json);

}  // namespace sluice::workbench
