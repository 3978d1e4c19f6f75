#include "dataplane/inspect/rule_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rules/bounds.h"
#include "rules/expression.h"
#include "rules/window.h"

namespace sluice::inspect {
namespace {

// Matches that are no wider cost little where there is none.
constexpr std::uint32_t kNarrow = 32;
constexpr std::uint32_t kNarrowChecked = 64;  // where few starts are left to try

// What a window of a shape may be expected, a byte, so that it is looked for as literals are.
constexpr double kRare = 3e-5;

// Of a shape, that are looked for. Where shapes are many, the bitmaps of more are there anyway.
constexpr std::size_t kFewShapes = 4;
constexpr std::size_t kFewRuns = 2;
constexpr std::size_t kManyRuns = 4;

std::unexpected<Error> bad_rule(const RuleSpec& spec, const std::string& why) {
  return fail(ErrorCode::bundle_malformed, "rule " + std::to_string(spec.index) + ": " + why);
}

Result<void> check_widths(const RuleSpec& spec) {
  if (spec.min_width == 0) return bad_rule(spec, "a match may be empty; it must have at least one byte");
  if (spec.max_width < spec.min_width || spec.max_width > rules::kMaxMatchBytes) {
    return bad_rule(spec, "widest match is " + std::to_string(spec.max_width) + " bytes; it must lie between " +
                              std::to_string(spec.min_width) + " and " + std::to_string(rules::kMaxMatchBytes));
  }
  return {};
}

// The compiler of policies asked the same; a bundle is held against it all the same.
Result<CompiledRule> compile(const RuleSpec& spec) {
  if (auto widths = check_widths(spec); !widths) return std::unexpected(widths.error());
  const auto expression = rules::parse_expression(spec.expression, spec.caseless);
  if (!expression) return bad_rule(spec, expression.error().what());
  auto automaton = rules::Automaton::build(*expression);
  if (!automaton) return bad_rule(spec, "its expression has too many ways to match");
  if (!automaton->can_match()) return bad_rule(spec, "its expression can never match");
  CompiledRule rule{spec.index, spec.validator, *std::move(automaton), {}, {}, {}, {}, {}};
  const bool checked = spec.validator == Validator::luhn && spec.conditions.group == 0;
  if (checked) rule.checked_starts.emplace(rule.automaton);
  if (rule.automaton.max_width() > (checked ? kNarrowChecked : kNarrow))
    rule.starts = rules::StartFilter::build(*expression);
  rule.literals = rules::choose_anchor(*expression, rule.automaton).literals;
  if (Leads::are_long(rule.literals)) rule.leads.emplace(rule.literals);
  if (spec.conditions.empty()) return rule;
  auto conditions = rules::build_conditions(spec.conditions, *expression, spec.caseless);
  if (!conditions) return bad_rule(spec, conditions.error().what());
  rule.conditions = std::make_unique<const rules::Conditions>(*std::move(conditions));
  return rule;
}

// One scan of nothing tells whether the database can be scanned as we do: mode, version and CPU.
hs_error_t try_scan(const hs_database_t* database) {
  hs_scratch_t* raw = nullptr;
  if (const hs_error_t error = hs_alloc_scratch(database, &raw); error != HS_SUCCESS) return error;
  const std::unique_ptr<hs_scratch_t, ScratchDeleter> scratch(raw);
  const char* const data = "";
  const unsigned length = 0;
  return hs_scan_vector(database, &data, &length, 1, 0, raw, nullptr, nullptr);
}

Result<void> load_database(Bytes serialized, DatabasePointer& database) {
  if (serialized.empty()) return {};
  hs_database_t* raw = nullptr;
  hs_error_t error = hs_deserialize_database(reinterpret_cast<const char*>(serialized.data()), serialized.size(), &raw);
  if (error == HS_SUCCESS) {
    database.reset(raw);
    error = try_scan(raw);
  }
  if (error == HS_SUCCESS) return {};
  return fail(ErrorCode::bundle_bad_database,
              "Hyperscan error " + std::to_string(error) + "; it must be a vectored database of this version and CPU");
}

Result<std::uint32_t> reach_of_literals(const RuleSpec& spec, std::uint32_t position, std::uint32_t max_width,
                                        const CompiledRules& compiled) {
  std::uint32_t reach = 0;
  for (const LiteralSpec& literal : compiled.literal_table) {
    if (literal.rule != position) continue;
    if (literal.min_reach > literal.max_reach || literal.max_reach > max_width)
      return bad_rule(spec, "a literal lies beyond its matches");
    reach = std::max(reach, literal.max_reach);
  }
  if (reach == 0 || compiled.literals == nullptr) return bad_rule(spec, "there is no literal of it");
  return reach;
}

struct Shape {
  std::uint32_t rule = 0;  // position
  std::vector<rules::ByteSet> places;
  rules::ByteSet before;
  rules::Quota quota;
};

// Where literals are looked for anyway, a shape that begins with something rare is looked for as one.
void add_shapes(std::vector<Shape> shapes, CompiledRules& compiled) {
  const bool with_literals = !compiled.spelled.empty();
  const std::size_t most_runs = shapes.size() > kFewShapes ? kManyRuns : kFewRuns;
  for (Shape& shape : shapes) {
    const auto window = rules::window_at(shape.places, rules::best_window(shape.places));
    if (with_literals && compiled.spelled.size() < rules::kMaxSpelled && rules::frequency(window) <= kRare)
      compiled.spelled.add(shape.rule, std::move(shape.places));
    else
      compiled.shapes.add(shape.rule, shape.places, shape.before, most_runs, shape.quota);
  }
}

// How a rule's matches will be noticed; within how many bytes of their start.
Result<std::uint32_t> add_anchor(const RuleSpec& spec, std::uint32_t position, const CompiledRule& rule,
                                 CompiledRules& compiled, std::vector<Shape>& shapes) {
  const std::uint32_t max_width = rule.automaton.max_width();
  switch (spec.anchor) {
    case rules::AnchorKind::pattern:
      if (compiled.patterns == nullptr) return bad_rule(spec, "there is no database with its pattern");
      return max_width;
    case rules::AnchorKind::shape: {
      shapes.push_back({position, rules::shape_of(rule.automaton), rules::before_of(rule.automaton),
                        rules::quota_of(rule.automaton)});
      return static_cast<std::uint32_t>(shapes.back().places.size());
    }
    case rules::AnchorKind::shapes: {
      for (auto& places : rules::shapes_of(rule.automaton))
        shapes.push_back(
            {position, std::move(places), rules::before_of(rule.automaton), rules::quota_of(rule.automaton)});
      return static_cast<std::uint32_t>(shapes.back().places.size());
    }
    case rules::AnchorKind::literal:
      return reach_of_literals(spec, position, max_width, compiled);
    case rules::AnchorKind::spelled: {
      if (rule.literals.empty()) return bad_rule(spec, "there is no literal in its expression");
      if (compiled.spelled.size() + rule.literals.size() > rules::kMaxSpelled)
        return bad_rule(spec, "there are too many literals to spell out");
      std::uint32_t reach = 0;
      for (const rules::Literal& literal : rule.literals) {
        compiled.spelled.add(position, literal);
        reach = std::max(reach, literal.max_reach + static_cast<std::uint32_t>(literal.after.size()));
      }
      return reach;
    }
  }
  return bad_rule(spec, "its anchor is of an unknown kind");
}

}  // namespace

RuleSet::RuleSet() : impl_(std::make_unique<Impl>()) {}
RuleSet::~RuleSet() = default;

std::size_t RuleSet::size() const {
  return impl_->compiled.rules.size();
}
std::uint32_t RuleSet::max_width() const {
  return impl_->compiled.max_width;
}

SharedRules::SharedRules() : impl_(std::make_unique<Impl>()) {}
SharedRules::~SharedRules() = default;

Result<std::unique_ptr<RuleSet>> RuleSet::load(const std::vector<RuleSpec>& rules, const Databases& databases,
                                               SharedRules& shared) {
  std::unique_ptr<RuleSet> set(new RuleSet());
  CompiledRules& compiled = set->impl_->compiled;
  compiled.literal_table = databases.literal_table;
  if (auto loaded = load_database(databases.patterns, compiled.patterns); !loaded)
    return std::unexpected(loaded.error());
  if (auto loaded = load_database(databases.literals, compiled.literals); !loaded)
    return std::unexpected(loaded.error());
  compiled.rules.reserve(rules.size());
  std::vector<Shape> shapes;
  for (const RuleSpec& spec : rules) {
    std::shared_ptr<const CompiledRule>& known = shared.impl_->rules[spec.index];
    if (known == nullptr) {
      auto rule = compile(spec);
      if (!rule) return std::unexpected(rule.error());
      known = std::make_shared<const CompiledRule>(*std::move(rule));
    }
    compiled.max_width = std::max(compiled.max_width, known->automaton.max_width());
    const auto reach = add_anchor(spec, static_cast<std::uint32_t>(compiled.rules.size()), *known, compiled, shapes);
    if (!reach) return std::unexpected(reach.error());
    compiled.tails.add(known->automaton, *reach);
    if (known->conditions && known->conditions->context_words)
      compiled.bytes_before = std::max(compiled.bytes_before, known->conditions->within + rules::kContextBytes);
    const bool by_literals = spec.anchor == rules::AnchorKind::literal || spec.anchor == rules::AnchorKind::spelled;
    compiled.rules.push_back({known, *reach, by_literals && known->leads});
  }
  add_shapes(std::move(shapes), compiled);
  compiled.shapes.finish();
  compiled.spelled.finish();
  compiled.tails.finish();
  for (const LiteralSpec& literal : compiled.literal_table)
    if (literal.rule >= rules.size()) return fail(ErrorCode::bundle_malformed, "a literal of no rule");
  return set;
}

}  // namespace sluice::inspect
