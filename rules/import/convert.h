// One rule of a file as one or more rules of a pack.
#pragma once

#include <vector>

#include "rules/import/rule.h"
#include "rules/import/source.h"

namespace sluice::rules::import {

// None when it is not taken; `report` says why, and otherwise what was changed. The rules have no names yet.
std::vector<NewRule> convert(const SourceRule& rule, const SourceFile& file, RuleReport& report);

}  // namespace sluice::rules::import
