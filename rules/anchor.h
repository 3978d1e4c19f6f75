// What every match of an expression holds and little else does, so that it can be looked for at memory speed: the
// automaton then decides around it. A literal (or one of a few), the shape of a match's first bytes, or nothing better
// than the expression itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/automaton.h"
#include "rules/byte_set.h"
#include "rules/expression.h"
#include "rules/following.h"

namespace sluice::rules {

inline constexpr std::uint32_t kMaxAnchorLiterals = 32;  // of one rule
inline constexpr std::uint32_t kMaxShapeBytes = 24;
inline constexpr std::uint32_t kMaxSpelled = 256;  // literals of all rules together

// A spelled anchor is literals too, looked for without Hyperscan, with the bytes around them.
// Shapes are one that would be found too often by itself, taken apart.
enum class AnchorKind : std::uint8_t { pattern = 0, literal = 1, shape = 2, spelled = 3, shapes = 4 };

struct Literal {
  std::string bytes;
  bool caseless = false;
  // How far behind the start of a match this literal may end.
  std::uint32_t min_reach = 0;
  std::uint32_t max_reach = 0;
  // What the byte before it can be: all, where a match may begin with the literal. What bytes behind it can be, of as
  // many as every match has there.
  ByteSet before = ByteSet().set();
  Following after{};
  // What the bytes of a match before it can be.
  ByteSet lead{};
};

struct Anchor {
  AnchorKind kind = AnchorKind::pattern;
  std::vector<Literal> literals;  // every match holds one of them
  double per_megabyte = 0;        // how often it is expected in text that holds no match; not known for a pattern
};

Anchor choose_anchor(const Expression& expression, const Automaton& automaton);

// For each of the first bytes of a match what it can be; no longer than the shortest match.
std::vector<ByteSet> shape_of(const Automaton& automaton);
// The same as a few that are as long: a match begins like one of them.
std::vector<std::vector<ByteSet>> shapes_of(const Automaton& automaton);
// What the byte before a match can be; of a byte that ends an escape such as \n, if it can be any that is no word.
ByteSet before_of(const Automaton& automaton);
// For each byte of a literal what it can be.
std::vector<ByteSet> places_of(const Literal& literal);

}  // namespace sluice::rules
