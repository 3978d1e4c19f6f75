// See byte_set.h.
#include "rules/byte_set.h"

#include <array>
#include <cstdint>
#include <utility>

namespace sluice::rules {
namespace {

ByteSet digits() {
  return byte_range('0', '9');
}
ByteSet lower() {
  return byte_range('a', 'z');
}
ByteSet upper() {
  return byte_range('A', 'Z');
}
// With \v, as Hyperscan has it.
ByteSet space() {
  return byte_range('\t', '\r') | single_byte(' ');
}
ByteSet punctuation() {
  return byte_range('!', '~') & ~(digits() | lower() | upper());
}

}  // namespace

ByteSet byte_range(unsigned first, unsigned last) {
  ByteSet set;
  for (unsigned byte = first; byte <= last; ++byte) set.set(byte);
  return set;
}

ByteSet single_byte(char c) {
  ByteSet set;
  set.set(static_cast<std::uint8_t>(c));
  return set;
}

const ByteSet& word_bytes() {
  static const ByteSet kWord = digits() | lower() | upper() | single_byte('_');
  return kWord;
}

std::optional<ByteSet> escaped_set(char letter) {
  switch (letter) {
    case 'd':
      return digits();
    case 'D':
      return ~digits();
    case 'w':
      return word_bytes();
    case 'W':
      return ~word_bytes();
    case 's':
      return space();
    case 'S':
      return ~space();
    default:
      return std::nullopt;
  }
}

std::optional<ByteSet> posix_set(std::string_view name) {
  const std::array<std::pair<std::string_view, ByteSet>, 8> known = {
      {{"alnum", digits() | lower() | upper()},
       {"alpha", lower() | upper()},
       {"digit", digits()},
       {"lower", lower()},
       {"punct", punctuation()},
       {"space", space()},
       {"upper", upper()},
       {"xdigit", digits() | byte_range('a', 'f') | byte_range('A', 'F')}}};
  for (const auto& [word, set] : known) {
    if (word == name) return set;
  }
  return std::nullopt;
}

ByteSet fold_case(ByteSet set) {
  for (unsigned c = 'a'; c <= 'z'; ++c) {
    const bool either = set[c] || set[c - 'a' + 'A'];
    set[c] = either;
    set[c - 'a' + 'A'] = either;
  }
  return set;
}

}  // namespace sluice::rules
