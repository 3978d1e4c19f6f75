// See hostile_texts.h.
#include "tests/unit/dataplane/inspect/hostile_texts.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/random.h"
#include "rules/anchor.h"
#include "rules/automaton.h"
#include "rules/expression.h"

namespace sluice::inspect {
namespace {

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += unit;
  return out;
}

// The bytes of `filler` that `e` takes, where it is one byte.
std::string taken_of(const rules::Expression& e, std::string_view filler) {
  std::string out;
  if (e.kind == rules::Expression::Kind::bytes)
    std::ranges::copy_if(filler, std::back_inserter(out), [&](char c) { return e.set[static_cast<std::uint8_t>(c)]; });
  return out;
}

// A match that repeats all that it can; what can be runs of `filler` is that.
std::string longest(const rules::Expression& e, Random& random, std::string_view filler = "") {
  using Kind = rules::Expression::Kind;
  std::string out;
  switch (e.kind) {
    case Kind::bytes: {
      std::vector<char> members;
      for (unsigned byte = 0; byte < 256; ++byte)
        if (e.set[byte] && (byte < 0x80 || e.set.count() == 1)) members.push_back(static_cast<char>(byte));
      return members.empty() ? "" : std::string(1, members[random.below(members.size())]);
    }
    case Kind::sequence:
      for (const rules::Expression& part : e.parts) out += longest(part, random, filler);
      return out;
    case Kind::choice:
      return longest(e.parts[random.below(e.parts.size())], random, filler);
    case Kind::repeat: {
      if (const std::string taken = taken_of(e.parts.front(), filler); !taken.empty())
        return repeated(taken, e.max).substr(0, e.max);
      // The same copy each time, and a new one each time.
      const std::string copy = longest(e.parts.front(), random, filler);
      const bool same = random.chance(1, 2);
      for (std::uint32_t i = 0; i < e.max; ++i) out += same ? copy : longest(e.parts.front(), random, filler);
      return out;
    }
    case Kind::boundary:
    case Kind::no_boundary:
    case Kind::end:
      return out;
  }
  return out;
}

}  // namespace

std::vector<std::string> hostile_texts(const TestRule& rule, std::size_t bytes, std::uint64_t seeds) {
  const auto expression = rules::parse_expression(rule.expression, rule.caseless);
  const auto automaton = rules::Automaton::build(*expression);
  std::vector<std::string> out;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(seed);
    const std::string match = longest(*expression, random);
    const std::string_view text = match;
    const std::string_view part = text.substr(0, 1 + random.below(text.size()));
    out.push_back(repeated(text, bytes));
    out.push_back(repeated(text.substr(0, text.size() - 1), bytes));
    out.push_back(repeated(std::string(text.substr(0, text.size() - 1)) + " ", bytes));
    out.push_back(repeated(part, bytes));
    out.push_back(repeated(std::string(part) + "-", bytes));
    out.push_back(repeated(text.substr(0, 1 + random.below(std::min<std::size_t>(text.size(), 12))), bytes));
    // Starts that lie close together, and an end only for the last of them.
    out.push_back(repeated(part.substr(0, 4), 5000) + std::string(text) + repeated(part.substr(0, 4), bytes));
  }
  for (const rules::Literal& literal : rules::choose_anchor(*expression, *automaton).literals) {
    out.push_back(repeated(literal.bytes, bytes));
    // A match that begins again at every few bytes.
    Random random(1);
    const std::string match = longest(*expression, random, literal.bytes);
    out.push_back(repeated(match, bytes));
    out.push_back(repeated(match + " ", bytes));
    out.push_back(repeated(match.substr(0, match.size() - 1) + " ", bytes));
    for (const char around : std::string_view("aZ0-._ /+%=@")) {
      out.push_back(repeated(literal.bytes + around, bytes));
      out.push_back(repeated(literal.bytes + around + around + ".", bytes));
    }
  }
  return out;
}

std::vector<std::string> repeated_bytes(std::size_t bytes) {
  static constexpr std::string_view kBytes = "aA0149-._@ /+%=:e\n\\";
  std::vector<std::string> out;
  for (const char first : kBytes) {
    out.push_back(repeated(std::string(1, first), bytes));
    for (const char second : kBytes)
      if (second != first) out.push_back(repeated(std::string(1, first) + second, bytes));
  }
  return out;
}

}  // namespace sluice::inspect
