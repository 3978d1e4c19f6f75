#include "dataplane/inspect/rule_set.h"

#include <array>
#include <utility>

namespace sluice::inspect {
namespace {

std::unexpected<Error> bad_rule(const RuleSpec& spec, const std::string& why) {
  return fail(ErrorCode::bundle_malformed, "rule " + std::to_string(spec.index) + ": " + why);
}

std::string pcre_message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

Result<PcreCode> compile_expression(const RuleSpec& spec) {
  const PcreCompileContext context(pcre2_compile_context_create(nullptr));
  if (context == nullptr) return bad_rule(spec, "no memory for its expression");
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);  // what Hyperscan leaves out of `.`
  // Without auto-possession and start optimisation off the record: the DFA must see every end of a match.
  std::uint32_t options = PCRE2_NO_AUTO_POSSESS | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
  if (spec.caseless) options |= PCRE2_CASELESS;
  int error = 0;
  PCRE2_SIZE where = 0;
  PcreCode code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spec.expression.data()), spec.expression.size(), options,
                              &error, &where, context.get()));
  if (code == nullptr) {
    return bad_rule(spec,
                    "expression does not compile: " + pcre_message(error) + " at character " + std::to_string(where));
  }
  std::uint32_t back_references = 0;
  std::uint32_t look_behind = 0;
  pcre2_pattern_info(code.get(), PCRE2_INFO_BACKREFMAX, &back_references);
  pcre2_pattern_info(code.get(), PCRE2_INFO_MAXLOOKBEHIND, &look_behind);
  if (back_references != 0) return bad_rule(spec, "expression has a back reference; write the alternatives out");
  if (look_behind > 1) return bad_rule(spec, "expression looks behind; only \\b and \\B may look around");
  return code;
}

Result<void> check_widths(const RuleSpec& spec) {
  if (spec.min_width == 0) return bad_rule(spec, "a match may be empty; it must have at least one byte");
  if (spec.max_width < spec.min_width || spec.max_width > kMaxWidth) {
    return bad_rule(spec, "widest match is " + std::to_string(spec.max_width) + " bytes; it must lie between " +
                              std::to_string(spec.min_width) + " and " + std::to_string(kMaxWidth));
  }
  return {};
}

// One scan of nothing tells whether the database can be scanned as we do: mode, version and CPU.
hs_error_t try_scan(const hs_database_t* database) {
  hs_scratch_t* raw = nullptr;
  if (const hs_error_t error = hs_alloc_scratch(database, &raw); error != HS_SUCCESS) return error;
  const std::unique_ptr<hs_scratch_t, FreeWith<hs_free_scratch>> scratch(raw);
  const char* const data = "";
  const unsigned length = 0;
  return hs_scan_vector(database, &data, &length, 1, 0, raw, nullptr, nullptr);
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

Result<std::unique_ptr<RuleSet>> RuleSet::load(std::vector<RuleSpec> rules, Bytes database) {
  std::unique_ptr<RuleSet> set(new RuleSet());
  CompiledRules& compiled = set->impl_->compiled;
  hs_database_t* raw = nullptr;
  hs_error_t error = hs_deserialize_database(reinterpret_cast<const char*>(database.data()), database.size(), &raw);
  if (error == HS_SUCCESS) {
    compiled.database.reset(raw);
    error = try_scan(raw);
  }
  if (error != HS_SUCCESS) {
    return fail(ErrorCode::bundle_bad_database, "Hyperscan error " + std::to_string(error) +
                                                    "; it must be a vectored database of this version and CPU");
  }
  compiled.rules.reserve(rules.size());
  for (RuleSpec& spec : rules) {
    if (auto widths = check_widths(spec); !widths) return std::unexpected(widths.error());
    auto code = compile_expression(spec);
    if (!code) return std::unexpected(code.error());
    compiled.max_width = std::max(compiled.max_width, spec.max_width);
    compiled.rules.push_back({std::move(spec), std::move(*code)});
  }
  return set;
}

}  // namespace sluice::inspect
