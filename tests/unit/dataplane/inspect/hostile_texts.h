// Text that is made to cost: for an expression, what looks like a match for as long as it can and is none, again and
// again.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {

// Of at least `bytes` bytes each: matches as long as they come that end one byte too soon, their parts, one behind the
// other, from as many seeds; what the rule is looked for by, alone and with a byte around it.
std::vector<std::string> hostile_texts(const TestRule& rule, std::size_t bytes, std::uint64_t seeds);

// Texts of no rule: each byte and each two bytes of those that expressions are made of, again and again.
std::vector<std::string> repeated_bytes(std::size_t bytes);

}  // namespace sluice::inspect
