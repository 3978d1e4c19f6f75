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
constexpr std::size_t kMaxShapes = 5;  // of one rule

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

// What the last byte of `e` can be, or of what goes before where `e` may be empty.
ByteSet last_byte_of(const Expression& e, const ByteSet& before) {
  switch (e.kind) {
    case Expression::Kind::bytes:
      return e.set;
    case Expression::Kind::boundary:
    case Expression::Kind::no_boundary:
    case Expression::Kind::end:
      return before;
    case Expression::Kind::sequence: {
      ByteSet last = before;
      for (const Expression& part : e.parts) last = last_byte_of(part, last);
      return last;
    }
    case Expression::Kind::choice: {
      ByteSet last;
      for (const Expression& part : e.parts) last |= last_byte_of(part, before);
      return last;
    }
    case Expression::Kind::repeat: {
      const ByteSet last = last_byte_of(e.parts.front(), before);
      return e.min == 0 ? last | before : last;
    }
  }
  return before;
}

// All that can be part of what matches `e`.
ByteSet bytes_of(const Expression& e) {
  ByteSet bytes = e.set;
  for (const Expression& part : e.parts) bytes |= bytes_of(part);
  return bytes;
}

// What stands on both sides of a part of the expression; and what may stand in a match before it.
struct Around {
  ByteSet before = ByteSet().set();
  Following after;
  ByteSet lead;
};

// Strings that follow each other without a gap, while they are few.
class Run {
 public:
  Run(const Widths& begin, const ByteSet& before, const ByteSet& lead) : begin_(begin), before_(before), lead_(lead) {}

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
  [[nodiscard]] std::vector<Literal> literals(Following after) const {
    std::vector<Literal> out;
    if (length_ == 0) return out;
    while (!after.empty() && after.back().all()) after.pop_back();
    for (const std::string& string : strings_)
      out.push_back({string, caseless_, begin_.min + length_, begin_.max + length_, before_, after, lead_});
    return out;
  }

 private:
  Widths begin_;
  ByteSet before_;
  ByteSet lead_;
  std::uint32_t length_ = 0;
  bool caseless_ = false;
  std::vector<std::string> strings_{""};
};

// The cheapest set of literals of which every match of an expression holds one.
class LiteralSearch {
 public:
  std::optional<std::vector<Literal>> best(const Expression& e, const Widths& before, const Around& around) {
    LiteralSearch inner;
    Run run(before, around.before, around.lead);
    Point at{before, around.before, around.lead};
    inner.walk(e, at, around.after, run);
    inner.offer(run.literals(around.after));
    return std::move(inner.best_);
  }

 private:
  struct Point {
    Widths passed;
    ByteSet last;  // what the byte before can be
    ByteSet lead;  // and any that was passed
  };

  void offer(std::vector<Literal> literals) {
    if (literals.empty() || literals.size() > kMaxAnchorLiterals) return;
    const double cost_of_these = cost(literals);
    if (best_ && cost_of_these >= cost_) return;
    best_ = std::move(literals);
    cost_ = cost_of_these;
  }

  // Goes on from `at`; `run` is what ends there, `after` what comes behind `e`.
  void walk(const Expression& e, Point& at, const Following& after, Run& run) {
    switch (e.kind) {
      case Expression::Kind::bytes:
        add(e.set, at, after, run);
        return;
      case Expression::Kind::sequence: {
        std::vector<Following> behind(e.parts.size() + 1, after);
        for (std::size_t i = e.parts.size(); i-- > 0;) behind[i] = following_with(e.parts[i], behind[i + 1]);
        for (std::size_t i = 0; i < e.parts.size(); ++i) walk(e.parts[i], at, behind[i + 1], run);
        return;
      }
      case Expression::Kind::boundary:
      case Expression::Kind::no_boundary:
      case Expression::Kind::end:
        return;
      case Expression::Kind::choice:
      case Expression::Kind::repeat:
        branch(e, at, after, run);
        return;
    }
  }

  void add(const ByteSet& set, Point& at, const Following& after, Run& run) {
    if (!run.extend(set)) {
      offer(run.literals(following_with(set, after)));
      run = Run(at.passed, at.last, at.lead);
      if (!run.extend(set)) run = Run(at.passed + Widths{1, 1}, set, at.lead | set);
    }
    at = {at.passed + Widths{1, 1}, set, at.lead | set};
  }

  void branch(const Expression& e, Point& at, const Following& after, Run& run) {
    if (e.kind == Expression::Kind::repeat && e.min == e.max && e.min <= kMaxLiteralBytes &&
        e.parts.front().kind == Expression::Kind::bytes) {
      const Expression& part = e.parts.front();
      for (std::uint32_t left = e.min; left-- > 0;) add(part.set, at, following_with(part, left, left, after), run);
      return;
    }
    offer(run.literals(following_with(e, after)));
    if (e.kind == Expression::Kind::choice) {
      offer(one_of(e, at, after));
    } else if (e.min > 0) {
      const Expression& part = e.parts.front();
      const Around around{at.last | last_byte_of(part, at.last), following_with(part, 0, e.max - 1, after), at.lead};
      if (auto inside = best(part, at.passed, around)) offer(std::move(*inside));
    }
    at = {at.passed + widths_of(e), last_byte_of(e, at.last), at.lead | bytes_of(e)};
    run = Run(at.passed, at.last, at.lead);
  }

  // Each alternative has to bring its own.
  std::vector<Literal> one_of(const Expression& choice, const Point& at, const Following& after) {
    std::vector<Literal> all;
    for (const Expression& part : choice.parts) {
      auto literals = best(part, at.passed, {at.last, after, at.lead});
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

std::vector<std::vector<ByteSet>> shapes_of(const Automaton& automaton) {
  return automaton.first_bytes_apart(std::min(automaton.min_width(), kMaxShapeBytes), kMaxShapes);
}

ByteSet before_of(const Automaton& automaton) {
  bool word = false;
  bool other = false;
  for (unsigned byte = 0; byte < 256; ++byte) {
    word = word || automaton.may_begin(static_cast<std::uint8_t>(byte), true);
    other = other || automaton.may_begin(static_cast<std::uint8_t>(byte), false);
  }
  ByteSet before;
  if (word) before |= word_bytes();
  if (!other) return before;
  before |= ~word_bytes();
  for (const char c : kEscapeEnds) before.set(static_cast<unsigned char>(c));
  return before;
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
  auto literals = LiteralSearch().best(expression, {}, {});
  const double literal_often = literals ? frequency(*literals) : 1.0;
  if (std::min(shape_often, literal_often) > kTooOften) return anchor;
  // A literal costs less to look for than a shape, and less again when it is not found.
  anchor.kind = literal_often <= std::max(shape_often, 1e-5) ? AnchorKind::literal : AnchorKind::shape;
  if (anchor.kind == AnchorKind::literal) anchor.literals = std::move(*literals);
  anchor.per_megabyte = std::round(kMegabyte * (anchor.kind == AnchorKind::literal ? literal_often : shape_often));
  return anchor;
}

}  // namespace sluice::rules
