// How random a match's bytes are: Shannon entropy, by a table of whole numbers, so that every machine agrees.
#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"

namespace sluice::inspect {

// Keeps those of `ends`, ascending, of which [start, end) of `text` has at least so many thousandths of a bit a byte.
// Looks at each byte once. No end lies more than rules::kMaxMatchBytes behind the start.
void keep_random(Bytes text, std::uint32_t start, std::uint32_t min_millibits, std::vector<std::uint32_t>& ends);

}  // namespace sluice::inspect
