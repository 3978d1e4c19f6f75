// See scan_compiler.h.
#include "rules/scan_compiler.h"

#include <fmt/format.h>
#include <hs/hs.h>

#include <cstdlib>
#include <memory>

#include "rules/measured_anchor.h"
#include "rules/relax.h"
#include "rules/window.h"

namespace sluice::rules {
namespace {

using DatabasePointer = std::unique_ptr<hs_database_t, hs_error_t (*)(hs_database_t*)>;

// What Hyperscan takes, as parallel arrays.
struct Inputs {
  std::vector<std::string> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<std::uint32_t> rules;  // for errors

  void add(std::string text, bool caseless, std::size_t id, std::size_t rule) {
    texts.push_back(std::move(text));
    flags.push_back(caseless ? HS_FLAG_CASELESS : 0);
    ids.push_back(static_cast<unsigned>(id));
    rules.push_back(static_cast<std::uint32_t>(rule));
  }
};

Result<std::vector<std::uint8_t>> serialize(const hs_database_t* database) {
  char* raw = nullptr;
  std::size_t size = 0;
  if (hs_serialize_database(database, &raw, &size) != HS_SUCCESS)
    return fail(ErrorCode::policy_invalid, "the scan database can not be serialized");
  const std::unique_ptr<char, void (*)(void*)> bytes(raw, std::free);
  return std::vector<std::uint8_t>(raw, raw + size);
}

Result<std::vector<std::uint8_t>> compile(const Inputs& inputs, bool literals, const std::vector<ScanRule>& rules,
                                          const Platform& target) {
  if (inputs.texts.empty()) return std::vector<std::uint8_t>();
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string& text : inputs.texts) {
    texts.push_back(text.c_str());
    lengths.push_back(text.size());
  }
  const hs_platform_info_t platform{target.cpu_tune, target.cpu_features, 0, 0};
  const auto count = static_cast<unsigned>(texts.size());
  hs_database_t* raw_database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const hs_error_t status =
      literals ? hs_compile_lit_multi(texts.data(), inputs.flags.data(), inputs.ids.data(), lengths.data(), count,
                                      HS_MODE_VECTORED, &platform, &raw_database, &raw_error)
               : hs_compile_multi(texts.data(), inputs.flags.data(), inputs.ids.data(), count, HS_MODE_VECTORED,
                                  &platform, &raw_database, &raw_error);
  const DatabasePointer database(raw_database, hs_free_database);
  const std::unique_ptr<hs_compile_error_t, hs_error_t (*)(hs_compile_error_t*)> error(raw_error,
                                                                                       hs_free_compile_error);
  if (status == HS_SUCCESS) return serialize(database.get());
  const bool known = error && error->expression >= 0 && static_cast<std::size_t>(error->expression) < texts.size();
  return fail(
      ErrorCode::policy_invalid,
      fmt::format("{}: {}",
                  known ? rules[inputs.rules[static_cast<std::size_t>(error->expression)]].name : "the rules together",
                  error ? error->message : "the scanner does not take them"));
}

Result<Anchor> anchor_of(const ScanRule& rule) {
  const auto expression = parse_expression(rule.expression, rule.caseless);
  if (!expression) return fail(ErrorCode::policy_invalid, fmt::format("{}: {}", rule.name, expression.error().what()));
  const auto automaton = Automaton::build(*expression);
  if (!automaton)
    return fail(ErrorCode::policy_invalid, fmt::format("{}: its expression has too many ways to match", rule.name));
  return measured_anchor(*expression, *automaton);
}

// Instructions a byte of Hyperscan's matcher of literals, nearly the same for few as for many.
constexpr double kHyperscanCost = 5.5;

void spell_where_cheaper(std::vector<Anchor>& anchors) {
  std::size_t literals = 0;
  for (const Anchor& anchor : anchors) literals += anchor.literals.size();
  if (literals > kMaxSpelled || cost_of_windows(anchors) > kHyperscanCost) return;
  for (Anchor& anchor : anchors)
    if (anchor.kind == AnchorKind::literal) anchor.kind = AnchorKind::spelled;
}

}  // namespace

Result<CompiledScan> compile_scan(const std::vector<ScanRule>& rules, const Platform& target, Anchoring anchoring,
                                  KnownAnchors& known) {
  std::vector<Anchor> anchors;
  for (const ScanRule& rule : rules) {
    auto at = known.find({rule.expression, rule.caseless});
    if (at == known.end()) {
      auto anchor = anchor_of(rule);
      if (!anchor) return std::unexpected(anchor.error());
      at = known.emplace(std::pair(rule.expression, rule.caseless), std::move(*anchor)).first;
    }
    anchors.push_back(anchoring == Anchoring::patterns ? Anchor() : at->second);
  }
  if (anchoring == Anchoring::anchors) spell_where_cheaper(anchors);
  CompiledScan out;
  Inputs patterns;
  Inputs literals;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    Anchor& anchor = anchors[i];
    out.anchors.push_back(anchor.kind);
    if (anchor.kind == AnchorKind::pattern) patterns.add(relaxed(rules[i].expression), rules[i].caseless, i, i);
    if (anchor.kind != AnchorKind::literal) continue;
    for (Literal& literal : anchor.literals) {
      literals.add(std::move(literal.bytes), literal.caseless, out.literal_table.size(), i);
      out.literal_table.push_back({static_cast<std::uint32_t>(i), literal.min_reach, literal.max_reach});
    }
  }
  auto pattern_database = compile(patterns, false, rules, target);
  if (!pattern_database) return std::unexpected(pattern_database.error());
  out.patterns = std::move(*pattern_database);
  auto literal_database = compile(literals, true, rules, target);
  if (!literal_database) return std::unexpected(literal_database.error());
  out.literals = std::move(*literal_database);
  return out;
}

}  // namespace sluice::rules
