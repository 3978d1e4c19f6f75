// Characters and small comparisons of RFC 9110 section 5.6: what every parser of this folder agrees on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::http1 {

inline constexpr std::uint8_t kTokenChar = 1;   // tchar
inline constexpr std::uint8_t kTargetChar = 2;  // VCHAR without '#': a fragment is never sent
inline constexpr std::uint8_t kValueChar = 4;   // VCHAR, SP, HTAB, obs-text
inline constexpr std::uint8_t kHostChar = 8;    // reg-name without ',': two hosts must not look like one

inline constexpr auto kCharClass = [] {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&](std::string_view chars, std::uint8_t what) {
    for (const char c : chars) classes.at(static_cast<std::uint8_t>(c)) |= what;
  };
  constexpr std::string_view kAlnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  mark(kAlnum, kTokenChar | kHostChar);
  mark("!#$%&'*+-.^_`|~", kTokenChar);
  mark("-._~%!$&'()*+;=", kHostChar);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (c > 0x20 && c < 0x7f && c != '#') classes.at(c) |= kTargetChar;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes.at(c) |= kValueChar;
  }
  return classes;
}();

constexpr bool is_class(std::uint8_t byte, std::uint8_t what) {
  return (kCharClass[byte] & what) != 0;
}
constexpr bool is_class(char c, std::uint8_t what) {
  return is_class(static_cast<std::uint8_t>(c), what);
}
constexpr bool is_token(std::uint8_t byte) {
  return is_class(byte, kTokenChar);
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_blank(std::uint8_t byte) {
  return byte == ' ' || byte == '\t';
}
constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Case-insensitive; `lower` is in lower case.
constexpr bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (to_lower(text[i]) != lower[i]) return false;
  return true;
}
// Case-insensitive, both in any case.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

// Without the optional white space around it.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(static_cast<std::uint8_t>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && is_blank(static_cast<std::uint8_t>(text.back()))) text.remove_suffix(1);
  return text;
}

}  // namespace sluice::http1
