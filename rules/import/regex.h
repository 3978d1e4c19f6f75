// A regular expression as Go writes it (RE2's syntax), as a tree: what other scanners' rule files hold. It is read
// whole, with what our language of expressions has no word for; what becomes of that is translate.h's to say.
// Bytes, no UTF: a character outside ASCII is the sequence of its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "rules/byte_set.h"

namespace sluice::rules::import {

inline constexpr std::uint32_t kNoBound = UINT32_MAX;
inline constexpr std::size_t kMaxRegexBytes = 64 * 1024;
inline constexpr int kMaxRegexDepth = 64;            // of groups in groups
inline constexpr std::uint32_t kMaxRepeat = 100000;  // Go itself stops at 1000

struct Regex {
  enum class Kind : std::uint8_t {
    bytes,        // one byte out of `set`, letters of either case already in it
    sequence,     // all `parts`, one after the other
    choice,       // one of `parts`
    repeat,       // parts[0], `min` to `max` times
    group,        // parts[0], captured as number `number`
    boundary,     // \b
    no_boundary,  // \B
    begin,        // of the text: ^ \A
    end,          // of the text: $ \z
    line_begin,   // (?m)^
    line_end,     // (?m)$
  };
  Kind kind = Kind::sequence;
  ByteSet set{};
  std::string text{};  // of bytes: as it was written
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // kNoBound for *, + and {n,}
  bool lazy = false;
  std::uint32_t number = 0;
  std::vector<Regex> parts{};

  [[nodiscard]] bool is_empty() const { return kind == Kind::sequence && parts.empty(); }
};

struct RegexProblem {
  std::size_t character = 0;  // 1-based
  std::string text;
};

std::expected<Regex, RegexProblem> parse_regex(std::string_view text);

// The fewest bytes that it matches.
std::uint64_t least_width(const Regex& regex);
// The most; kNoBound when there is no bound (or one beyond all reason).
std::uint64_t most_width(const Regex& regex);

}  // namespace sluice::rules::import
