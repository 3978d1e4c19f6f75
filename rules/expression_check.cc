// See expression_check.h.
#include "rules/expression_check.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "rules/automaton.h"
#include "rules/relax.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kMaxTried = 4;  // repetitions; each takes a dozen automata

struct Shorter {
  const Expression* repeat = nullptr;
  std::uint32_t old_max = 0;
  std::uint32_t new_max = 0;
};

void collect_repeats(Expression& e, std::vector<Expression*>& into) {
  if (e.kind == Expression::Kind::repeat && e.max > 1) into.push_back(&e);
  for (Expression& part : e.parts) collect_repeats(part, into);
}

// The most that one repetition may have when everything else stays as it is; nothing when that does not help.
std::optional<Shorter> shorten(const Expression& whole, Expression& repeat) {
  const std::uint32_t min = repeat.min;
  const std::uint32_t max = repeat.max;
  const bool exact = min == max;
  const auto fits = [&](std::uint32_t most) {
    repeat.max = most;
    repeat.min = exact ? most : min;
    return Automaton::build(whole).has_value();
  };
  std::uint32_t low = exact ? 1 : std::max(min, 1U);
  std::uint32_t high = max;
  const bool helps = low < high && fits(low);
  while (helps && high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  repeat.min = min;
  repeat.max = max;
  if (!helps) return std::nullopt;
  return Shorter{&repeat, max, low};
}

std::string sign(const Expression& repeat, std::uint32_t max) {
  return repeat.min == repeat.max ? fmt::format("{{{}}}", max) : fmt::format("{{{},{}}}", repeat.min, max);
}

// Names the repetition that has to lose the least for the table to fit.
ExpressionProblem too_large(Expression whole) {
  ExpressionProblem problem{
      0, fmt::format("it has too many ways to match: its table would have more than {} entries", kMaxTableEntries),
      "split it into several rules"};
  std::vector<Expression*> repeats;
  collect_repeats(whole, repeats);
  std::ranges::sort(repeats, [](const Expression* a, const Expression* b) {
    return std::make_pair(widths_of(*b).max, a->at) < std::make_pair(widths_of(*a).max, b->at);
  });
  if (repeats.size() > kMaxTried) repeats.resize(kMaxTried);
  std::optional<Shorter> best;
  for (Expression* repeat : repeats) {
    const auto shorter = shorten(whole, *repeat);
    if (!shorter) continue;
    if (!best || std::uint64_t{shorter->new_max} * best->old_max > std::uint64_t{best->new_max} * shorter->old_max)
      best = shorter;
  }
  if (repeats.empty()) return problem;
  const Expression& named = best ? *best->repeat : *repeats.front();
  problem.character = named.at + 1;
  problem.suggestion = best ? fmt::format("shorten {} to {}", sign(named, best->old_max), sign(named, best->new_max))
                            : fmt::format("shorten {} and other repetitions", sign(named, named.max));
  return problem;
}

// The pattern as compile_policy() gives it to Hyperscan.
std::optional<ExpressionProblem> ask_hyperscan(std::string_view expression, bool caseless) {
  const std::string pattern = relaxed(expression);
  hs_database_t* raw_database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t status = hs_compile(pattern.c_str(), caseless ? HS_FLAG_CASELESS : 0, HS_MODE_VECTORED, nullptr,
                                       &raw_database, &raw_error);
  const std::unique_ptr<hs_database_t, hs_error_t (*)(hs_database_t*)> database(raw_database, hs_free_database);
  const std::unique_ptr<hs_compile_error_t, hs_error_t (*)(hs_compile_error_t*)> error(raw_error,
                                                                                       hs_free_compile_error);
  if (status == HS_SUCCESS) return std::nullopt;
  return ExpressionProblem{0, error ? error->message : "the scanner does not take it",
                           "the scan engine (Hyperscan) must be able to compile it"};
}

}  // namespace

std::expected<Widths, ExpressionProblem> check_expression(std::string_view expression, bool caseless) {
  auto tree = parse_expression(expression, caseless);
  if (!tree) return std::unexpected(std::move(tree.error()));
  const Widths widths = widths_of(*tree);
  const auto automaton = Automaton::build(*tree);
  if (!automaton) return std::unexpected(too_large(*std::move(tree)));
  if (!automaton->can_match())
    return std::unexpected(
        ExpressionProblem{0, "it can never match", "see whether a \\b or \\B stands where it cannot hold"});
  if (auto problem = ask_hyperscan(expression, caseless)) return std::unexpected(*std::move(problem));
  return widths;
}

}  // namespace sluice::rules
