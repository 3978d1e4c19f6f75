#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hs.h>

#include "dataplane/inspect/scanner.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

using ::testing::HasSubstr;

Result<std::unique_ptr<RuleSet>> load_patterns(const std::vector<RuleSpec>& specs, Bytes database) {
  return RuleSet::load(specs, {.patterns = database, .literals = {}, .literal_table = {}});
}

// Loads one rule beside a database that is in order; the expressions need not be the same to be refused.
Error refusal(RuleSpec spec) {
  static const std::vector<std::uint8_t> kDatabase = database_of(specs_of({ssn_rule()}));
  auto set = load_patterns({std::move(spec)}, kDatabase);
  return set ? Error{} : set.error();
}

Error refused_expression(std::string expression) {
  return refusal({.index = 7, .expression = std::move(expression), .min_width = 1, .max_width = 100});
}

TEST(RuleSet, KnowsItsSizeAndItsWidestMatch) {
  const auto set = rule_set_of({ssn_rule(), card_rule()});
  EXPECT_EQ(set->size(), 2U);
  EXPECT_EQ(set->max_width(), 37U);
}

TEST(RuleSet, AgreesWithHyperscanOnWidths) {
  for (const TestRule& rule : usual_rules()) {
    EXPECT_EQ(rule_set_of({rule})->max_width(), specs_of({rule}).front().max_width) << rule.expression;
  }
}

TEST(RuleSet, RefusesADatabaseThatHyperscanDoesNotTake) {
  const auto specs = specs_of({ssn_rule()});
  std::vector<std::uint8_t> database = database_of(specs);
  for (const std::size_t length : {std::size_t{10}, database.size() - 1}) {
    const auto set = load_patterns(specs, Bytes(database).first(length));
    ASSERT_FALSE(set) << length;
    EXPECT_EQ(set.error().code, ErrorCode::bundle_bad_database);
  }
  database[0] ^= 1;
  EXPECT_FALSE(load_patterns(specs, database));
}

TEST(RuleSet, RefusesADatabaseOfAnotherMode) {
  const auto specs = specs_of({ssn_rule()});
  const auto set = load_patterns(specs, database_of(specs, HS_MODE_BLOCK));
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::bundle_bad_database);
  EXPECT_THAT(set.error().message(), HasSubstr("vectored"));
}

TEST(RuleSet, ADatabaseOfMoreRulesFailsTheScanInsteadOfGuessing) {
  const auto specs = specs_of({ssn_rule(), email_rule()});
  const auto set = load_patterns({specs.front()}, database_of(specs));
  ASSERT_TRUE(set);
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(**set));
  ScanState state;
  std::vector<Match> matches = {{1, 2, 3}};
  const Bytes window = as_bytes("078-05-1120 a@b.cc");
  EXPECT_EQ(Scanner::scan(**set, scratch, state, {&window, 1}, true, matches), ErrorCode::scan_failed);
  EXPECT_EQ(matches.size(), 1U);
}

TEST(RuleSet, RefusesWidthsWithoutBoundAndEmptyMatches) {
  EXPECT_THAT(refusal({.expression = "a", .min_width = 0, .max_width = 1}).message(), HasSubstr("may be empty"));
  EXPECT_THAT(refusal({.expression = "a", .min_width = 1, .max_width = 4097}).message(), HasSubstr("4096"));
  EXPECT_THAT(refusal({.expression = "a", .min_width = 2, .max_width = 1}).message(), HasSubstr("between 2"));
  EXPECT_THAT(refused_expression("a{0,3}").message(), HasSubstr("matches the empty string"));
  EXPECT_THAT(refused_expression("(?:abc){2000}").message(), HasSubstr("up to 6000 bytes wide"));
}

TEST(RuleSet, SaysWhichRuleAndWhereAnExpressionIsNotRead) {
  EXPECT_EQ(refused_expression("ab(?=c)").message(),
            "bundle is malformed: rule 7: expression at character 3: look-around is not read");
}

TEST(RuleSet, RefusesWhatTheEnginesCouldReadDifferently) {
  for (const char* expression :
       {"^a",   "a$b", "a*",      "a+",   "a{2,}", "a{,2}",      "a{3,2}",  "a{5000}", "a??",  "a?+",  "\\ba{",
        "{2}",  "(a",  "a)",      "[a",   "[]",    "[[:word:]]", "[z-a]",   "\\1",     "\\Aa", "a\\z", "\\xg1",
        "\\x4", "\\",  "\\Qa\\E", "\\pL", "(?i)a", "(?<n>a)",    "(*UTF)a", "a\\b?",   "?a",   "a|*",  ""}) {
    EXPECT_EQ(refused_expression(expression).code, ErrorCode::bundle_malformed) << expression;
  }
}

TEST(RuleSet, RefusesExpressionsThatWouldFillTheMemory) {
  EXPECT_EQ(refused_expression(std::string(100, '(') + "a" + std::string(100, ')')).code, ErrorCode::bundle_malformed);
  EXPECT_EQ(refused_expression(std::string(5000, 'a')).code, ErrorCode::bundle_malformed);
  EXPECT_THAT(refused_expression("(?:(?:[ab]c?){0,30}a(?:[ab]c?){20}){2}").message(), HasSubstr("too many ways"));
  // Nothing, many times over, is still nothing and takes no time.
  EXPECT_EQ(refused_expression("(?:(?:(?:(?:){4000}){4000}){4000}){4000}").code, ErrorCode::bundle_malformed);
}

TEST(RuleSet, TakesRepetitionsThatOverlapInManyWays) {
  EXPECT_EQ(refused_expression("a.{0,60}b.{0,60}").code, ErrorCode::ok);
}

}  // namespace
}  // namespace sluice::inspect
