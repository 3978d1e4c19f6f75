// Which expressions a rule may have: those that the fast engine (Hyperscan) and the exact one (PCRE2)
// read alike, byte by byte, and whose matches have a bounded width. Everything else is refused in words.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluice::rules {

inline constexpr std::size_t kMaxExpressionBytes = 2048;

struct Widths {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};

struct ExpressionProblem {
  std::size_t character = 0;  // 1-based, 0 for the whole expression
  std::string text;
  std::string suggestion;
};

std::expected<Widths, ExpressionProblem> check_expression(std::string_view expression, bool caseless);

}  // namespace sluice::rules
