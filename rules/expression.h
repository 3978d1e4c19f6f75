// The expression language: text to a tree, or what is wrong with it. It holds what Hyperscan and a table of bounded
// size read alike: bytes, no UTF; `.` is any byte but \n; every repetition is bounded; \b and \B are all that looks
// around. A tree that parse_expression() gives has matches of 1 to kMaxMatchBytes bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "rules/byte_set.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxExpressionBytes = 2048;

struct Expression {
  enum class Kind : std::uint8_t {
    bytes,        // one byte out of `set`
    sequence,     // all `parts`, one after the other
    choice,       // one of `parts`
    repeat,       // parts[0], `min` to `max` times
    boundary,     // \b
    no_boundary,  // \B
  };
  Kind kind = Kind::sequence;
  ByteSet set{};
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  // Where \b, \B, the sign of a repetition ({2,5} or ?) and the '(' of a capturing group stand in the text.
  std::uint32_t at = 0;
  std::uint32_t length = 0;
  std::vector<Expression> parts{};
  std::uint32_t capture = 0;  // the number of the capturing group that this is, from 1; 0 for none

  [[nodiscard]] bool looks_around() const { return kind == Kind::boundary || kind == Kind::no_boundary; }
};

// How many bytes a match can have.
struct Widths {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};
Widths widths_of(const Expression& expression);

struct ExpressionProblem {
  std::size_t character = 0;  // 1-based, 0 for the whole expression
  std::string text;
  std::string suggestion;

  // "expression at character 3: what is wrong"
  [[nodiscard]] std::string what() const;
};

std::expected<Expression, ExpressionProblem> parse_expression(std::string_view text, bool caseless);

}  // namespace sluice::rules
