// What is wrong in an operator's YAML: where, what, and what would be right. Every problem of a file
// is reported, not only the first.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sluice::rules {

// 1-based; line 0 means the whole file.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Problem {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string text;        // what is wrong
  std::string suggestion;  // what would be right; may be empty

  // "file:line:column: text; suggestion"
  [[nodiscard]] std::string message() const;
};

using Problems = std::vector<Problem>;

// policy_invalid with one message a line.
Error to_error(const Problems& problems);

// The word of `words` that `text` most likely meant, empty when none is near (edit distance).
std::string_view nearest_word(std::string_view text, std::span<const std::string_view> words);
// `did you mean "near"?`, or else `one of a, b, c`.
std::string suggest_word(std::string_view text, std::span<const std::string_view> words);
// Text from a file as it may be shown: shortened, control characters escaped, in double quotes.
std::string show(std::string_view text);

}  // namespace sluice::rules
