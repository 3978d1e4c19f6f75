// Sets of bytes as an expression names them: \d and its like, [:alpha:] and its like. Bytes, no UTF; letters are
// those of ASCII.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

namespace sluice::rules {

using ByteSet = std::bitset<256>;

ByteSet byte_range(unsigned first, unsigned last);
ByteSet single_byte(char c);
// Letters, digits and '_', as \w and \b see them.
const ByteSet& word_bytes();
inline bool is_letter_or_digit(char c) {
  return c != '_' && word_bytes()[static_cast<std::uint8_t>(c)];
}
// The set of \d \D \w \W \s \S by its letter.
std::optional<ByteSet> escaped_set(char letter);
// The set of [:name:].
std::optional<ByteSet> posix_set(std::string_view name);
inline constexpr std::string_view kPosixNames = "alnum, alpha, digit, lower, punct, space, upper, xdigit";
// With every letter also the same letter of the other case.
ByteSet fold_case(ByteSet set);

}  // namespace sluice::rules
