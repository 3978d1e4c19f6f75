// What a rule makes the scanner do on a text, counted plainly and not timed: how often its anchor stands there, at how
// many places its automaton begins, and how many bytes that reads.
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "rules/rule.h"

namespace sluice::workbench {

struct Census {
  std::uint64_t anchors = 0;
  std::uint64_t starts = 0;
  std::uint64_t steps = 0;
};

// Of a rule without an anchor every byte is a start. The rule is one that passed the check.
Census take_census(const rules::Rule& rule, Bytes text);

}  // namespace sluice::workbench
