// What regular expressions can and can not match: sure where it says no.
#include "rules/import/language.h"

#include <gtest/gtest.h>

namespace sluice::rules::import {
namespace {

bool holds(std::string_view regex, std::vector<std::string> words) {
  return always_holds(*parse_regex(regex), words);
}
bool meet(std::string_view a, std::string_view b) {
  return may_meet(*parse_regex(a), *parse_regex(b));
}

TEST(Language, a_word_that_every_match_holds_is_seen) {
  EXPECT_TRUE(holds("x{0,9}token[a-z]*", {"token"}));
  EXPECT_TRUE(holds("(?i)TOKEN", {"token"}));
  EXPECT_TRUE(holds("token", {"ToKeN"}));
  EXPECT_TRUE(holds("(?:sk|rk)_(?:live|test)_x+", {"sk_live", "sk_test", "rk_live", "rk_test"}));
  EXPECT_TRUE(holds("linked[_-]?in", {"linkedin", "linked_in", "linked-in"}));
  EXPECT_TRUE(holds(R"(s-s4t2(?:ud|af)-[a-f]{4})", {"nothing", "s-s4t2ud-", "s-s4t2af-"}));
  EXPECT_TRUE(holds("passw(?:or)?d", {"passwd", "password"}));
  EXPECT_TRUE(holds("aaab", {"aab"}));  // begins again within itself
}

TEST(Language, a_word_that_a_match_may_lack_is_seen) {
  EXPECT_FALSE(holds("(?:token)?x", {"token"}));
  EXPECT_FALSE(holds("(?:sk|rk|pk)_live", {"sk_live", "rk_live"}));
  EXPECT_FALSE(holds("[a-f0-9]{40}", {"sourcegraph"}));
  EXPECT_FALSE(holds("hooks.slack", {"hooks.slack"}));  // `.` is any byte
  EXPECT_FALSE(holds("abc", {}));
  EXPECT_FALSE(holds("abc", {""}));
}

TEST(Language, what_can_not_be_said_in_reasonable_time_is_not_said) {
  EXPECT_FALSE(holds("(?:(?:(?:(?:(?:(?:(?:(?:a{3}){3}){3}){3}){3}){3}){3}){3}){3}token", {"token"}));
  EXPECT_TRUE(meet("(?:(?:(?:(?:(?:(?:(?:(?:a{3}){3}){3}){3}){3}){3}){3}){3}){3}", "b"));
}

TEST(Language, texts_of_both_are_seen) {
  EXPECT_TRUE(meet("[a-f]{4}", "[e-z]{2,9}"));
  EXPECT_FALSE(meet("[a-f]{4}", "[g-z]{2,9}"));
  EXPECT_FALSE(meet("AKIA[A-Z]{16}", R"(\$\{[A-Z]+\})"));
  EXPECT_TRUE(meet("[a-z]{5,9}", ".*false.*"));
  EXPECT_FALSE(meet("[0-9]{5,9}", ".*false.*"));
  EXPECT_FALSE(meet("ab", "abc"));
  EXPECT_TRUE(meet("a{2}", "a{1,3}"));
}

}  // namespace
}  // namespace sluice::rules::import
