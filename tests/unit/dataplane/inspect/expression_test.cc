// Which bytes each item of an expression stands for: the scanner and RE2 must agree on all 256.
#include <gtest/gtest.h>

#include "tests/unit/dataplane/inspect/oracle.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

std::string every_byte() {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  return all;
}

std::vector<Match> scanned(const TestRule& rule, std::string_view content) {
  const auto set = rule_set_of({rule});
  Scratch scratch;
  EXPECT_TRUE(scratch.grow_for(*set));
  return scan_cut(*set, scratch, content, {});
}

TEST(Expression, ItemsMeanTheSameBytesToEveryEngine) {
  for (const char* expression : {"a",
                                 "K",
                                 ".",
                                 "\\d",
                                 "\\D",
                                 "\\w",
                                 "\\W",
                                 "\\t",
                                 "\\n",
                                 "\\r",
                                 "\\f",
                                 "\\x00",
                                 "\\xfF",
                                 "\\.",
                                 "\\\\",
                                 "\\-",
                                 "]",
                                 "}",
                                 "[abc]",
                                 "[^abc]",
                                 "[a-f]",
                                 "[]a]",
                                 "[^]a]",
                                 "[a-]",
                                 "[-a]",
                                 "[\\d-]",
                                 "[\\w.]",
                                 "[^\\W_]",
                                 "[\\x00-a]",
                                 "[\\]\\[]",
                                 "[[:alnum:]]",
                                 "[[:alpha:]]",
                                 "[[:digit:]]",
                                 "[[:lower:]]",
                                 "[[:punct:]]",
                                 "[[:upper:]]",
                                 "[[:xdigit:]]",
                                 "[^[:alpha:]!]",
                                 "[[:digit:]a-c]",
                                 "[[:space:]]",
                                 "(?:a|(b))",
                                 "\\bx",
                                 "\\Bx",
                                 "x\\b"}) {
    for (const bool caseless : {false, true}) {
      const TestRule rule{.expression = expression, .caseless = caseless};
      EXPECT_EQ(scanned(rule, every_byte()), Oracle({rule}).matches(every_byte())) << expression << " " << caseless;
    }
  }
}

// RE2 leaves \v out of \s; Hyperscan and PCRE do not.
TEST(Expression, SpaceIsWhatHyperscanTakesForIt) {
  const std::vector<Match> expected = {{100, 9, 10},  {100, 10, 11}, {100, 11, 12},
                                       {100, 12, 13}, {100, 13, 14}, {100, 32, 33}};
  EXPECT_EQ(scanned({.expression = "\\s"}, every_byte()), expected);
  EXPECT_EQ(scanned({.expression = "\\S"}, every_byte()).size(), 256 - expected.size());
}

// RE2 takes bytes for Latin-1 letters when it folds case.
TEST(Expression, CaseIsFoldedForAsciiOnly) {
  EXPECT_EQ(scanned({.expression = "\\xe4", .caseless = true}, every_byte()), (std::vector<Match>{{100, 228, 229}}));
  EXPECT_EQ(scanned({.expression = "k", .caseless = true}, every_byte()),
            (std::vector<Match>{{100, 'K', 'K' + 1}, {100, 'k', 'k' + 1}}));
}

TEST(Expression, RepetitionsAndGroupsAreAsTheOracleReadsThem) {
  const std::string content = "ab abb abbb abbbb aabbaabb cabab xababab a\nb aXbX";
  for (const char* expression :
       {"ab{2}", "ab{2,3}", "(?:ab){1,2}", "a(b|bb)b", "a?b", "(?:a|ab)(?:b|bb)?", "(?:a{2}){2}", "(?:a?b?){3}c|ab",
        "a.b", "(?:ab|cab)\\b", "\\b(?:ab){1,3}\\b", "(?:|a)b"}) {
    const TestRule rule{.expression = expression};
    EXPECT_EQ(scanned(rule, content), Oracle({rule}).matches(content)) << expression;
  }
}

}  // namespace
}  // namespace sluice::inspect
