// The last word on a match: what an expression cannot say.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "common/bytes.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

// The longest of the matches [start, end) of `text` that passes; `ends` are ascending. Looks at nothing but
// the bytes of a match, and at each of them once.
std::optional<std::uint32_t> longest_accepted(Validator validator, Bytes text, std::uint32_t start,
                                              std::span<const std::uint32_t> ends);

}  // namespace sluice::inspect
