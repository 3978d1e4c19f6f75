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

namespace sluice::rules {

inline constexpr std::uint32_t kMaxAnchorLiterals = 32;  // of one rule
inline constexpr std::uint32_t kMaxShapeBytes = 24;
inline constexpr std::uint32_t kMaxSpelled = 4;  // literals of all rules together

// A spelled anchor is literals too, so few that they are looked for byte by byte, like shapes, and not by Hyperscan.
enum class AnchorKind : std::uint8_t { pattern = 0, literal = 1, shape = 2, spelled = 3 };

struct Literal {
  std::string bytes;
  bool caseless = false;
  // How far behind the start of a match this literal may end.
  std::uint32_t min_reach = 0;
  std::uint32_t max_reach = 0;
};

struct Anchor {
  AnchorKind kind = AnchorKind::pattern;
  std::vector<Literal> literals;  // every match holds one of them
  double per_megabyte = 0;        // how often it is expected in text that holds no match; not known for a pattern
};

Anchor choose_anchor(const Expression& expression, const Automaton& automaton);

// For each of the first bytes of a match what it can be; no longer than the shortest match.
std::vector<ByteSet> shape_of(const Automaton& automaton);
// The same of the bytes of a literal.
std::vector<ByteSet> places_of(const Literal& literal);

}  // namespace sluice::rules
