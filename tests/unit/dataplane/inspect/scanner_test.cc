#include "dataplane/inspect/scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/inspect/oracle.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The texts that the rules match in `content`, in order, each with its rule's position.
std::vector<std::string> found(const std::vector<TestRule>& rules, std::string_view content) {
  const auto set = rule_set_of(rules);
  Scratch scratch;
  EXPECT_TRUE(scratch.grow_for(*set));
  std::vector<std::string> texts;
  for (const Match& match : scan_cut(*set, scratch, content, {})) {
    texts.emplace_back(content.substr(match.begin, match.end - match.begin));
  }
  return texts;
}

TEST(Scanner, FindsTheWholeCardWithItsSeparators) {
  EXPECT_THAT(found({card_rule()}, R"({"card":"4111-1111 1111-1111"})"), ElementsAre("4111-1111 1111-1111"));
}

TEST(Scanner, LuhnRefusesANumberThatIsNoCard) {
  EXPECT_THAT(found({card_rule()}, "4111 1111 1111 1112"), IsEmpty());
}

TEST(Scanner, ACardBehindADigitThatSpoilsItsSumIsFoundAtALaterStart) {
  EXPECT_THAT(found({card_rule()}, "1 4111 1111 1111 1111"), ElementsAre("4111 1111 1111 1111"));
}

TEST(Scanner, ACardBeforeDigitsThatSpoilItsSumIsFoundWithAnEarlierEnd) {
  EXPECT_THAT(found({card_rule()}, "4111111111111111 202"), ElementsAre("4111111111111111"));
  EXPECT_THAT(found({card_rule()}, "4111111111111111 2025"), ElementsAre("4111111111111111"));
}

TEST(Scanner, TakesTheLongestEndFromTheLeftmostStart) {
  EXPECT_THAT(found({{.expression = "ab|abc|bcd{1,9}"}}, "abcddd bcddd"), ElementsAre("abc", "bcddd"));
}

TEST(Scanner, MatchesOfOneRuleDoNotOverlapAndThoseOfTwoMay) {
  EXPECT_THAT(found({{.expression = "aba"}, {.expression = "ba"}}, "ababa"), ElementsAre("aba", "ba", "ba"));
}

TEST(Scanner, CaselessFoldsLetters) {
  EXPECT_THAT(found({email_rule()}, "To: Ann.B@EXAMPLE.co.UK;"), ElementsAre("Ann.B@EXAMPLE.co.UK"));
}

TEST(Scanner, ReportsTheIndexOfTheRule) {
  const auto set = rule_set_of({ssn_rule(), email_rule()});
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*set));
  EXPECT_THAT(scan_cut(*set, scratch, "a@b.cc 078-05-1120", {}), ElementsAre(Match{101, 0, 6}, Match{100, 7, 18}));
}

TEST(Scanner, EqualsTheOracleAtEveryTwoWayCut) {
  const std::string_view content =
      R"({"id":17,"card":"4111 1111 1111 1111 20","mail":"x.y@mail.example.org","ip":"10.0.0.1.2","ssn":"078-05-1120"} AKIA0123456789ABCDEFG)";
  const auto set = rule_set_of(usual_rules());
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*set));
  const std::vector<Match> expected = Oracle(usual_rules()).matches(content);
  EXPECT_EQ(expected.size(), 5U);
  for (std::size_t cut = 0; cut <= content.size(); ++cut) {
    EXPECT_EQ(scan_cut(*set, scratch, content, {cut}), expected) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace sluice::inspect
