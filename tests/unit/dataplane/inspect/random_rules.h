// Expressions made from a seed over a handful of letters, so that short content matches often.
#pragma once

#include "common/random.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {

// Never empty, at most some tens of bytes wide.
TestRule random_rule(Random& random);
// The same with a group, an entropy, words nearby and an allow-list, each of them or not.
TestRule random_conditional_rule(Random& random);
std::string random_text(Random& random, std::size_t bytes);

}  // namespace sluice::inspect
