// What an expression cannot say: whether a number's check digit is right, or a token is what it looks like.
#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

inline constexpr unsigned kLuhnMinDigits = 12;
inline constexpr unsigned kLuhnMaxDigits = 19;

// Keeps those of `ends`, ascending, of which [start, end) of `text` passes. Looks at nothing but those bytes, and at
// each of them once.
void keep_valid(Validator validator, Bytes text, std::uint32_t start, std::vector<std::uint32_t>& ends);

}  // namespace sluice::inspect
