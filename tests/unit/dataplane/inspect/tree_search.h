// What a rule matches, by its expression's tree alone: no table, no lanes, no filter, no anchor. For expressions and
// widths that are beyond the oracle's engine.
#pragma once

#include <string_view>
#include <vector>

#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {

// Every start in turn, its ends, the longest of them that the rule's validator takes. The rule has no conditions.
std::vector<Match> tree_matches(const TestRule& rule, std::string_view text);

}  // namespace sluice::inspect
