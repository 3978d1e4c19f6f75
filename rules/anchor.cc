// What is rare decides: literals first, then shapes.
#include "rules/anchor.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <utility>

#include "rules/frequency.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxLiteralBytes = 24;
constexpr std::size_t kMaxMembers = 8;  // of a class that is spelled out
// An anchor that is seen more often than every 250 bytes costs more than it saves.
constexpr double kTooOften = 1.0 / 250;
constexpr double kMegabyte = 1e6;

double frequency(const Literal& literal) {
  double product = 1;
  for (const ByteSet& place : places_of(literal)) product *= rules::frequency(place);
  return product;
}

double frequency(const std::vector<Literal>& literals) {
  double sum = 0;
  for (const Literal& literal : literals) sum += frequency(literal);
  return sum;
}

// Where it is found, the automaton tries each place at which the match may have begun; and as many bytes as a match may
// have before it shows its anchor are tried at the end of whatever has come so far.
double cost(const std::vector<Literal>& literals) {
  double sum = 0;
  for (const Literal& literal : literals) {
    const double starts = 16.0 + literal.max_reach - literal.min_reach;
    sum += frequency(literal) * starts + 1e-8 * literal.max_reach;
  }
  return sum;
}

Widths operator+(const Widths& a, const Widths& b) {
  return {a.min + b.min, a.max + b.max};
}

// Strings that follow each other without a gap, while they are few.
class Run {
 public:
  explicit Run(const Widths& begin) : begin_(begin) {}

  // False when the set has too many members to be spelled out.
  bool extend(const ByteSet& set) {
    std::vector<char> members;
    bool caseless = false;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (!set[byte]) continue;
      const auto c = static_cast<char>(byte);
      const auto lower = static_cast<char>(std::tolower(static_cast<int>(byte)));
      const bool both = std::isupper(static_cast<int>(byte)) != 0 && set[static_cast<unsigned char>(lower)];
      caseless |= both;
      if (!both) members.push_back(c);
    }
    if (members.empty() || members.size() > kMaxMembers || members.size() * strings_.size() > kMaxAnchorLiterals ||
        length_ == kMaxLiteralBytes)
      return false;
    caseless_ |= caseless;
    std::vector<std::string> longer;
    for (const std::string& string : strings_)
      for (const char c : members) longer.push_back(string + c);
    strings_ = std::move(longer);
    ++length_;
    return true;
  }
  // What was gathered; empty when nothing was.
  [[nodiscard]] std::vector<Literal> literals() const {
    std::vector<Literal> out;
    if (length_ == 0) return out;
    for (const std::string& string : strings_)
      out.push_back({string, caseless_, begin_.min + length_, begin_.max + length_});
    return out;
  }

 private:
  Widths begin_;
  std::uint32_t length_ = 0;
  bool caseless_ = false;
  std::vector<std::string> strings_{""};
};

// The cheapest set of literals of which every match of an expression holds one.
class LiteralSearch {
 public:
  std::optional<std::vector<Literal>> best(const Expression& e, const Widths& before) {
    LiteralSearch inner;
    Run run(before);
    Widths at = before;
    inner.walk(e, at, run);
    inner.offer(run.literals());
    return std::move(inner.best_);
  }

 private:
  void offer(std::vector<Literal> literals) {
    if (literals.empty() || literals.size() > kMaxAnchorLiterals) return;
    const double cost_of_these = cost(literals);
    if (best_ && cost_of_these >= cost_) return;
    best_ = std::move(literals);
    cost_ = cost_of_these;
  }

  // Goes on from `at`; `run` is what ends there.
  void walk(const Expression& e, Widths& at, Run& run) {
    switch (e.kind) {
      case Expression::Kind::bytes:
        add(e.set, at, run);
        return;
      case Expression::Kind::sequence:
        for (const Expression& part : e.parts) walk(part, at, run);
        return;
      case Expression::Kind::boundary:
      case Expression::Kind::no_boundary:
      case Expression::Kind::end:
        return;
      case Expression::Kind::choice:
      case Expression::Kind::repeat:
        branch(e, at, run);
        return;
    }
  }

  void add(const ByteSet& set, Widths& at, Run& run) {
    if (!run.extend(set)) {
      offer(run.literals());
      run = Run(at);
      if (!run.extend(set)) run = Run(at + Widths{1, 1});
    }
    at = at + Widths{1, 1};
  }

  void branch(const Expression& e, Widths& at, Run& run) {
    const Widths widths = widths_of(e);
    if (e.kind == Expression::Kind::repeat && e.min == e.max && e.min <= kMaxLiteralBytes &&
        e.parts.front().kind == Expression::Kind::bytes) {
      for (std::uint32_t i = 0; i < e.min; ++i) add(e.parts.front().set, at, run);
      return;
    }
    offer(run.literals());
    if (e.kind == Expression::Kind::choice)
      offer(one_of(e, at));
    else if (e.min > 0)
      if (auto inside = best(e.parts.front(), at)) offer(std::move(*inside));
    at = at + widths;
    run = Run(at);
  }

  // Each alternative has to bring its own.
  std::vector<Literal> one_of(const Expression& choice, const Widths& before) {
    std::vector<Literal> all;
    for (const Expression& part : choice.parts) {
      auto literals = best(part, before);
      if (!literals) return {};
      all.insert(all.end(), literals->begin(), literals->end());
    }
    return all;
  }

  std::optional<std::vector<Literal>> best_;
  double cost_ = 0;
};

}  // namespace

std::vector<ByteSet> shape_of(const Automaton& automaton) {
  return automaton.first_bytes(std::min(automaton.min_width(), kMaxShapeBytes));
}

std::vector<ByteSet> places_of(const Literal& literal) {
  std::vector<ByteSet> places;
  for (const char c : literal.bytes) places.push_back(literal.caseless ? fold_case(single_byte(c)) : single_byte(c));
  return places;
}

Anchor choose_anchor(const Expression& expression, const Automaton& automaton) {
  double shape_often = 1;
  for (const ByteSet& set : shape_of(automaton)) shape_often *= frequency(set);
  Anchor anchor;
  auto literals = LiteralSearch().best(expression, {});
  const double literal_often = literals ? frequency(*literals) : 1.0;
  if (std::min(shape_often, literal_often) > kTooOften) return anchor;
  // A literal costs less to look for than a shape, and less again when it is not found.
  anchor.kind = literal_often <= std::max(shape_often, 1e-5) ? AnchorKind::literal : AnchorKind::shape;
  if (anchor.kind == AnchorKind::literal) anchor.literals = std::move(*literals);
  anchor.per_megabyte = std::round(kMegabyte * (anchor.kind == AnchorKind::literal ? literal_often : shape_often));
  return anchor;
}

}  // namespace sluice::rules
