// How often a byte occurs in JSON, SQL, logs and prose: a rough table by which anchors are chosen. A wrong guess costs
// time, never a match.
#pragma once

#include "rules/byte_set.h"

namespace sluice::rules {

// The share of bytes that are in the set, 0 to 1.
double frequency(const ByteSet& set);

}  // namespace sluice::rules
