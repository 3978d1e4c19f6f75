#include "dataplane/inspect/rule_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "rules/bounds.h"
#include "rules/expression.h"

namespace sluice::inspect {
namespace {

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

struct Parsed {
  rules::Expression expression;
  rules::Automaton automaton;
  std::unique_ptr<const rules::Conditions> conditions;
};

// The compiler of policies asked the same; a bundle is held against it all the same.
Result<Parsed> parse(const RuleSpec& spec) {
  auto expression = rules::parse_expression(spec.expression, spec.caseless);
  if (!expression) return bad_rule(spec, expression.error().what());
  auto automaton = rules::Automaton::build(*expression);
  if (!automaton) return bad_rule(spec, "its expression has too many ways to match");
  Parsed parsed{*std::move(expression), *std::move(automaton), nullptr};
  if (spec.conditions.empty()) return parsed;
  auto conditions = rules::build_conditions(spec.conditions, parsed.expression, spec.caseless);
  if (!conditions) return bad_rule(spec, conditions.error().what());
  parsed.conditions = std::make_unique<const rules::Conditions>(*std::move(conditions));
  return parsed;
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

// How a rule's matches will be noticed; within how many bytes of their start.
Result<std::uint32_t> add_anchor(const RuleSpec& spec, std::uint32_t position, const Parsed& parsed,
                                 CompiledRules& compiled) {
  const std::uint32_t max_width = parsed.automaton.max_width();
  switch (spec.anchor) {
    case rules::AnchorKind::pattern:
      if (compiled.patterns == nullptr) return bad_rule(spec, "there is no database with its pattern");
      return max_width;
    case rules::AnchorKind::shape: {
      const auto places = rules::shape_of(parsed.automaton);
      compiled.shapes.add(position, places, {});
      return static_cast<std::uint32_t>(places.size());
    }
    case rules::AnchorKind::literal:
      return reach_of_literals(spec, position, max_width, compiled);
    case rules::AnchorKind::spelled: {
      const auto literals = rules::choose_anchor(parsed.expression, parsed.automaton).literals;
      if (literals.empty()) return bad_rule(spec, "there is no literal in its expression");
      std::uint32_t reach = 0;
      for (const rules::Literal& literal : literals) {
        const auto width = static_cast<std::uint32_t>(literal.bytes.size());
        compiled.shapes.add(position, rules::places_of(literal),
                            {literal.min_reach - width, literal.max_reach - width});
        reach = std::max(reach, literal.max_reach);
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

Result<std::unique_ptr<RuleSet>> RuleSet::load(const std::vector<RuleSpec>& rules, const Databases& databases) {
  std::unique_ptr<RuleSet> set(new RuleSet());
  CompiledRules& compiled = set->impl_->compiled;
  compiled.literal_table = databases.literal_table;
  if (auto loaded = load_database(databases.patterns, compiled.patterns); !loaded)
    return std::unexpected(loaded.error());
  if (auto loaded = load_database(databases.literals, compiled.literals); !loaded)
    return std::unexpected(loaded.error());
  compiled.rules.reserve(rules.size());
  for (const RuleSpec& spec : rules) {
    if (auto widths = check_widths(spec); !widths) return std::unexpected(widths.error());
    auto parsed = parse(spec);
    if (!parsed) return std::unexpected(parsed.error());
    compiled.max_width = std::max(compiled.max_width, parsed->automaton.max_width());
    const auto position = static_cast<std::uint32_t>(compiled.rules.size());
    const auto reach = add_anchor(spec, position, *parsed, compiled);
    if (!reach) return std::unexpected(reach.error());
    compiled.tails.add(parsed->automaton, *reach);
    if (parsed->conditions && parsed->conditions->context_words)
      compiled.bytes_before = std::max(compiled.bytes_before, parsed->conditions->within + rules::kContextBytes);
    compiled.rules.push_back(
        {spec.index, spec.validator, *reach, std::move(parsed->automaton), std::move(parsed->conditions)});
  }
  compiled.shapes.finish();
  compiled.tails.finish();
  for (const LiteralSpec& literal : compiled.literal_table)
    if (literal.rule >= rules.size()) return fail(ErrorCode::bundle_malformed, "a literal of no rule");
  return set;
}

}  // namespace sluice::inspect
