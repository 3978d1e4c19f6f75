// What a rule asks of a match beyond its expression: which group of it counts, how random it must be, what must stand
// near it and what is known to be harmless. As a policy writes it, and made ready; both the check of a policy and the
// data plane make it ready, so what one takes the other takes too.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "rules/automaton.h"
#include "rules/expression.h"

namespace sluice::rules {

struct ContextSpec {
  std::vector<std::string> words;  // none: no context is asked for
  std::uint32_t within = 0;        // bytes
  bool both_sides = false;         // else only before the match
};

struct AllowSpec {
  std::vector<std::string> values;   // are such a value
  std::vector<std::string> contain;  // hold such a word, in either case
  std::vector<std::string> match;    // are matched as a whole
  [[nodiscard]] bool empty() const { return values.empty() && contain.empty() && match.empty(); }
};

struct ConditionSpec {
  std::uint32_t group = 0;  // 0 is the whole match
  std::uint32_t min_entropy_millibits = 0;
  ContextSpec context{};
  AllowSpec allow{};
  [[nodiscard]] bool empty() const {
    return group == 0 && min_entropy_millibits == 0 && context.words.empty() && allow.empty();
  }
};

struct ConditionProblem {
  enum class Field : std::uint8_t { group, entropy, within, words, values, contain, match };
  Field field = Field::group;
  std::size_t item = 0;  // of a list, from 1; 0 for all of it
  ExpressionProblem problem;

  // "context words, item 2: what is wrong"
  [[nodiscard]] std::string what() const;
};

struct GroupAutomata {
  Automaton before;
  Automaton group;
  Automaton after;
  Automaton backward;  // what follows `before`, from its end to its beginning
};

struct Conditions {
  std::optional<GroupAutomata> group;
  std::optional<Automaton> context_words;
  std::optional<Automaton> allowed;     // what a match must not be, as a whole
  std::optional<Automaton> stop_words;  // what it must not hold
  std::uint32_t min_entropy_millibits = 0;
  std::uint32_t within = 0;
  bool both_sides = false;
};

// `expression` as parse_expression() gave it for the rule.
std::expected<Conditions, ConditionProblem> build_conditions(const ConditionSpec& spec, const Expression& expression,
                                                             bool caseless);

}  // namespace sluice::rules
