#include "tests/unit/dataplane/inspect/test_rules.h"

#include <hs.h>

#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace sluice::inspect {
namespace {

void check(hs_error_t error, const char* what) {
  if (error != HS_SUCCESS) throw std::runtime_error(std::string(what) + ": " + std::to_string(error));
}

unsigned flags_of(const RuleSpec& spec) {
  return spec.caseless ? HS_FLAG_CASELESS : 0;
}

}  // namespace

TestRule card_rule() {
  return {R"(\b(?:\d[ -]?){12,18}\d\b)", false, Validator::luhn};
}
TestRule email_rule() {
  return {R"(\b[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.[a-z]{2,24}\b)", true, Validator::none};
}
TestRule ssn_rule() {
  return {R"(\b\d{3}-\d{2}-\d{4}\b)", false, Validator::none};
}
TestRule aws_key_rule() {
  return {R"((?:AKIA|ASIA)[A-Z0-9]{16})", false, Validator::none};
}
TestRule ipv4_rule() {
  return {R"(\b(?:\d{1,3}\.){3}\d{1,3}\b)", false, Validator::none};
}
std::vector<TestRule> usual_rules() {
  return {card_rule(), email_rule(), ssn_rule(), aws_key_rule(), ipv4_rule()};
}

std::vector<TestRule> conditional_rules() {
  TestRule key{R"((?:api|secret)[_-]?key["' ]{0,3}[:=][ "']{0,3}([A-Za-z0-9_+-]{8,40})(?:["' ;,]|\n|\b))", true};
  key.conditions = {.group = 1, .min_entropy_millibits = 2500, .allow = {{}, {"example", "xxxx"}, {"[a-z]{8,40}"}}};
  TestRule number{R"(\b\d{3}[ -]?\d{2}[ -]?\d{4}\b)", false};
  number.conditions = {.context = {{"ssn", "social security", "tax no"}, 24, true},
                       .allow = {{"078-05-1120"}, {}, {R"(\b000\d{6})"}}};
  const TestRule account{R"(\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b)", false, Validator::mod97};
  TestRule card{R"(card[ :#]{1,3}((?:\d[ -]?){12,18}\d)\b)", true, Validator::luhn};
  card.conditions = {.group = 1, .context = {{"visa"}, 40, false}};
  return {key, number, account, card};
}

std::vector<RuleSpec> specs_of(const std::vector<TestRule>& rules) {
  std::vector<RuleSpec> specs;
  for (const TestRule& rule : rules) {
    RuleSpec spec{.index = static_cast<RuleIndex>(100 + specs.size()),
                  .expression = rule.expression,
                  .caseless = rule.caseless,
                  .validator = rule.validator,
                  .conditions = rule.conditions};
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    check(hs_expression_info(spec.expression.c_str(), flags_of(spec), &info, &error), spec.expression.c_str());
    spec.min_width = info->min_width;
    spec.max_width = info->max_width;
    std::free(info);
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::vector<std::uint8_t> database_of(const std::vector<RuleSpec>& specs, unsigned mode) {
  std::vector<const char*> expressions;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  for (const RuleSpec& spec : specs) {
    expressions.push_back(spec.expression.c_str());
    flags.push_back(flags_of(spec));
    ids.push_back(static_cast<unsigned>(ids.size()));
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  check(hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(ids.size()),
                         mode == 0 ? HS_MODE_VECTORED : mode, nullptr, &database, &error),
        "hs_compile_multi");
  char* bytes = nullptr;
  std::size_t length = 0;
  check(hs_serialize_database(database, &bytes, &length), "hs_serialize_database");
  std::vector<std::uint8_t> serialized(reinterpret_cast<std::uint8_t*>(bytes),
                                       reinterpret_cast<std::uint8_t*>(bytes) + length);
  std::free(bytes);
  hs_free_database(database);
  return serialized;
}

std::unique_ptr<RuleSet> rule_set_of(const std::vector<TestRule>& rules, rules::Anchoring anchoring) {
  std::vector<RuleSpec> specs = specs_of(rules);
  std::vector<rules::ScanRule> scan_rules;
  for (const TestRule& rule : rules) scan_rules.push_back({rule.expression, rule.expression, rule.caseless});
  const auto scan = rules::compile_scan(scan_rules, rules::this_platform(), anchoring);
  if (!scan) throw std::runtime_error(scan.error().message());
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i].anchor = scan->anchors[i];
  Databases databases{scan->patterns, scan->literals, {}};
  for (const rules::ScanLiteral& literal : scan->literal_table)
    databases.literal_table.push_back({literal.rule, literal.min_reach, literal.max_reach});
  auto set = RuleSet::load(specs, databases);
  if (!set) throw std::runtime_error(set.error().message());
  return std::move(*set);
}

}  // namespace sluice::inspect
