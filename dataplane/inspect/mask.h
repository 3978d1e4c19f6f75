// What a mask writes over a match: every letter and digit becomes '*', but for the last `keep_last`
// of them; separators stay, so that the shape stays readable and the length is the same.
#pragma once

#include <cstdint>

#include "common/bytes.h"

namespace sluice::inspect {

void mask_in_place(MutableBytes match, std::uint32_t keep_last);

}  // namespace sluice::inspect
