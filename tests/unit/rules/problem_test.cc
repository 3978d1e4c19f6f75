// Messages and the guess at what was meant.
#include "rules/problem.h"

#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

constexpr std::string_view kWords[] = {"service", "server", "principals", "rules"};

TEST(Problem, message_has_place_text_and_suggestion) {
  EXPECT_EQ((Problem{"a.yaml", 3, 7, "what", "so"}.message()), "a.yaml:3:7: what; so");
  EXPECT_EQ((Problem{"a.yaml", 3, 7, "what", ""}.message()), "a.yaml:3:7: what");
  EXPECT_EQ((Problem{"a.yaml", 0, 0, "what", "so"}.message()), "a.yaml: what; so");
}

TEST(Problem, the_nearest_word_is_guessed) {
  EXPECT_EQ(nearest_word("serivce", kWords), "service");
  EXPECT_EQ(nearest_word("sever", kWords), "server");
  EXPECT_EQ(nearest_word("principal", kWords), "principals");
  EXPECT_EQ(nearest_word("rulse", kWords), "rules");
}

TEST(Problem, nothing_is_guessed_when_nothing_is_near) {
  EXPECT_EQ(nearest_word("zebra", kWords), "");
  EXPECT_EQ(nearest_word("", kWords), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 's'), kWords), "");
  EXPECT_EQ(suggest_word("zebra", kWords), "one of service, server, principals, rules");
}

TEST(Problem, shown_text_is_short_printable_and_whole_characters) {
  EXPECT_EQ(show("a\nb\x7f"), "\"a\\x0ab\\x7f\"");
  EXPECT_EQ(show(std::string(61, 'x')), "\"" + std::string(60, 'x') + "…\"");
  EXPECT_EQ(show(std::string(59, 'x') + "öy"), "\"" + std::string(59, 'x') + "…\"");
  EXPECT_EQ(show(std::string(58, 'x') + "öyz"), "\"" + std::string(58, 'x') + "ö…\"");
}

}  // namespace
}  // namespace sluice::rules
