// See conditions.h.
#include "rules/conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/bounds.h"
#include "rules/group.h"

namespace sluice::rules {
namespace {

using Field = ConditionProblem::Field;

std::unexpected<ConditionProblem> refuse(Field field, std::size_t item, ExpressionProblem problem) {
  return std::unexpected(ConditionProblem{field, item, std::move(problem)});
}

std::unexpected<ConditionProblem> refuse(Field field, std::size_t item, std::string text, std::string suggestion) {
  return refuse(field, item, ExpressionProblem{0, std::move(text), std::move(suggestion)});
}

// One of several expressions; its parts are added one by one.
Expression no_choice() {
  return {.kind = Expression::Kind::choice};
}

Expression bytes_of(const ByteSet& set) {
  return {.kind = Expression::Kind::bytes, .set = set};
}

Expression literal(std::string_view text, bool caseless) {
  Expression word{.kind = Expression::Kind::sequence};
  for (const char c : text) word.parts.push_back(bytes_of(caseless ? fold_case(single_byte(c)) : single_byte(c)));
  return word;
}

// A blank between two words may be written as a blank, a tab, '_' or '-', or left out.
Expression context_word(std::string_view text) {
  Expression word{.kind = Expression::Kind::sequence};
  for (const char c : text) {
    if (c != ' ') {
      word.parts.push_back(bytes_of(fold_case(single_byte(c))));
      continue;
    }
    Expression blank{.kind = Expression::Kind::repeat, .max = 1};
    blank.parts.push_back(bytes_of(single_byte(' ') | single_byte('\t') | single_byte('_') | single_byte('-')));
    word.parts.push_back(std::move(blank));
  }
  return word;
}

std::expected<void, ConditionProblem> check_count(Field field, std::size_t count, std::size_t most) {
  if (count <= most) return {};
  return refuse(field, 0, fmt::format("{} of them", count), fmt::format("at most {}", most));
}

std::expected<void, ConditionProblem> check_word(Field field, std::size_t item, std::string_view word) {
  if (word.empty()) return refuse(field, item, "it is empty", "leave it out");
  const std::size_t most = field == Field::values ? kMaxValueBytes : kMaxWordBytes;
  if (word.size() > most) return refuse(field, item, fmt::format("it is longer than {} bytes", most), "shorten it");
  return {};
}

std::expected<Automaton, ConditionProblem> build(const Expression& expression, Field field) {
  auto automaton = Automaton::build(expression);
  if (automaton) return *std::move(automaton);
  return refuse(field, 0, fmt::format("too much together: a table would have more than {} entries", kMaxTableEntries),
                "take some out, or split the rule");
}

std::expected<void, ConditionProblem> add_group(std::uint32_t number, const Expression& expression, Conditions& out) {
  auto parts = split_at_group(expression, number);
  if (!parts) return refuse(Field::group, 0, std::move(parts.error()));
  auto before = build(parts->before, Field::group);
  auto group = build(parts->group, Field::group);
  auto after = build(parts->after, Field::group);
  auto backward = build(reversed(sequence_of(std::move(parts->group), std::move(parts->after))), Field::group);
  for (const auto* built : {&before, &group, &after, &backward})
    if (!*built) return std::unexpected(built->error());
  out.group = GroupAutomata{*std::move(before), *std::move(group), *std::move(after), *std::move(backward)};
  return {};
}

bool is_word_edge(char c) {
  return (word_bytes()[static_cast<std::uint8_t>(c)] && c != '_') || static_cast<std::uint8_t>(c) >= 0x80;
}

std::expected<void, ConditionProblem> add_context(const ContextSpec& spec, Conditions& out) {
  if (spec.within == 0 || spec.within > kMaxContextWithin)
    return refuse(Field::within, 0, fmt::format("{} bytes", spec.within),
                  fmt::format("from 1 to {}", kMaxContextWithin));
  if (auto done = check_count(Field::words, spec.words.size(), kMaxContextWords); !done) return done;
  Expression words = no_choice();
  for (std::size_t i = 0; i < spec.words.size(); ++i) {
    const std::string& word = spec.words[i];
    if (auto done = check_word(Field::words, i + 1, word); !done) return done;
    if (!is_word_edge(word.front()) || !is_word_edge(word.back()))
      return refuse(Field::words, i + 1, "it does not begin and end with a letter or digit",
                    "whole words are looked for");
    if (word.size() > spec.within)
      return refuse(Field::words, i + 1, fmt::format("it does not fit within {} bytes", spec.within),
                    "write a shorter word or a larger number");
    words.parts.push_back(context_word(word));
  }
  auto built = build(words, Field::words);
  if (!built) return std::unexpected(built.error());
  out.context_words = *std::move(built);
  out.within = spec.within;
  out.both_sides = spec.both_sides;
  return {};
}

std::expected<void, ConditionProblem> add_allowed(const AllowSpec& spec, bool caseless, Conditions& out) {
  if (auto done = check_count(Field::values, spec.values.size(), kMaxAllowedValues); !done) return done;
  if (auto done = check_count(Field::match, spec.match.size(), kMaxAllowedExpressions); !done) return done;
  Expression all = no_choice();
  for (std::size_t i = 0; i < spec.values.size(); ++i) {
    if (auto done = check_word(Field::values, i + 1, spec.values[i]); !done) return done;
    all.parts.push_back(literal(spec.values[i], false));
  }
  for (std::size_t i = 0; i < spec.match.size(); ++i) {
    auto expression = parse_expression(spec.match[i], caseless);
    if (!expression) return refuse(Field::match, i + 1, std::move(expression.error()));
    all.parts.push_back(*std::move(expression));
  }
  if (all.parts.empty()) return {};
  auto built = build(all, spec.match.empty() ? Field::values : Field::match);
  if (!built) return std::unexpected(built.error());
  out.allowed = *std::move(built);
  return {};
}

std::expected<void, ConditionProblem> add_stop_words(const AllowSpec& spec, Conditions& out) {
  if (auto done = check_count(Field::contain, spec.contain.size(), kMaxStopWords); !done) return done;
  Expression all = no_choice();
  for (std::size_t i = 0; i < spec.contain.size(); ++i) {
    if (auto done = check_word(Field::contain, i + 1, spec.contain[i]); !done) return done;
    all.parts.push_back(literal(spec.contain[i], true));
  }
  if (all.parts.empty()) return {};
  auto built = build(all, Field::contain);
  if (!built) return std::unexpected(built.error());
  out.stop_words = *std::move(built);
  return {};
}

}  // namespace

std::string ConditionProblem::what() const {
  static constexpr std::string_view kNames[] = {"group",        "entropy",       "context within", "context words",
                                                "allow values", "allow contain", "allow match"};
  const std::string_view name = kNames[static_cast<std::size_t>(field)];
  const std::string which = item == 0 ? std::string(name) : fmt::format("{}, item {}", name, item);
  return fmt::format("{}: {}", which, problem.character == 0 ? problem.text : problem.what());
}

std::expected<Conditions, ConditionProblem> build_conditions(const ConditionSpec& spec, const Expression& expression,
                                                             bool caseless) {
  Conditions out;
  if (spec.min_entropy_millibits > kMaxEntropyMillibits)
    return refuse(Field::entropy, 0, "more than 8 bits a byte", "a byte has no more");
  out.min_entropy_millibits = spec.min_entropy_millibits;
  if (spec.group > 0)
    if (auto done = add_group(spec.group, expression, out); !done) return std::unexpected(done.error());
  if (!spec.context.words.empty())
    if (auto done = add_context(spec.context, out); !done) return std::unexpected(done.error());
  if (auto done = add_allowed(spec.allow, caseless, out); !done) return std::unexpected(done.error());
  if (auto done = add_stop_words(spec.allow, out); !done) return std::unexpected(done.error());
  return out;
}

}  // namespace sluice::rules
