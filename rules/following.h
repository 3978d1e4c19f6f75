// What the bytes behind a part of an expression can be: of the first few, one set each. Only of as many as every match
// has there, so that text without them holds no match.
#pragma once

#include <cstdint>
#include <vector>

#include "rules/byte_set.h"
#include "rules/expression.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxFollowing = 7;

using Following = std::vector<ByteSet>;  // at most kMaxFollowing

// From the first byte of `e` on, with `beyond` behind it.
Following following_with(const Expression& e, const Following& beyond);
// From the first byte of one that stands there `min` to `max` times.
Following following_with(const Expression& part, std::uint32_t min, std::uint32_t max, const Following& beyond);
Following following_with(const ByteSet& set, const Following& beyond);

}  // namespace sluice::rules
