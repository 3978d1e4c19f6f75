// An anchor, held against text: a shape that is met too often in the sample is taken apart.
#pragma once

#include <cstddef>
#include <vector>

#include "common/bytes.h"
#include "rules/anchor.h"

namespace sluice::rules {

Anchor measured_anchor(const Expression& expression, const Automaton& automaton);

// In how many places these bytes stand.
std::size_t count_places(const std::vector<ByteSet>& places, Bytes text);

}  // namespace sluice::rules
