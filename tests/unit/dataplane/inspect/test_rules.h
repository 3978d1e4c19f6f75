// Rules for tests and benchmarks, compiled to a RuleSet as the rule compiler does it.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "dataplane/inspect/scanner.h"
#include "rules/scan_compiler.h"

namespace sluice {

// How gtest shows a match.
inline void PrintTo(const Match& match, std::ostream* out) {
  *out << match.rule << ":" << match.begin << "-" << match.end;
}

}  // namespace sluice

namespace sluice::inspect {

struct TestRule {
  std::string expression;
  bool caseless = false;
  Validator validator = Validator::none;
  rules::ConditionSpec conditions{};
};

// Detectors as packs have them.
TestRule card_rule();
TestRule email_rule();
TestRule ssn_rule();
TestRule aws_key_rule();
TestRule ipv4_rule();
std::vector<TestRule> usual_rules();
// Detectors that ask for more than an expression: a group, randomness, words nearby, allow-lists, check digits.
std::vector<TestRule> conditional_rules();

// Widths and database by Hyperscan; the index of a rule is 100 + its position.
std::vector<RuleSpec> specs_of(const std::vector<TestRule>& rules);
// The expressions as they are, in one database.
std::vector<std::uint8_t> database_of(const std::vector<RuleSpec>& specs, unsigned mode = 0);
std::unique_ptr<RuleSet> rule_set_of(const std::vector<TestRule>& rules,
                                     rules::Anchoring anchoring = rules::Anchoring::anchors);

}  // namespace sluice::inspect
