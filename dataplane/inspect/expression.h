// A rule's expression as a tree: what rules/ lets through and Hyperscan reads the same way. Bytes, no UTF;
// `.` is any byte but \n; every repetition is bounded; \b and \B are all that looks around.
#pragma once

#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sluice::inspect {

inline constexpr std::uint32_t kMaxWidth = 4096;  // the widest match that a rule may have, in bytes

using ByteSet = std::bitset<256>;

// Letters, digits and '_', as \w and \b see them.
const ByteSet& word_bytes();

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
  std::vector<Expression> parts{};
};

// The error's detail says what is wrong and at which character (1-based).
Result<Expression> parse_expression(std::string_view text, bool caseless);

}  // namespace sluice::inspect
