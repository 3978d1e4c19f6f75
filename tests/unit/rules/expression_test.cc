// Which expressions are taken, and what is said about the others.
#include "rules/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::rules {
namespace {

using ::testing::HasSubstr;

struct Refused {
  std::string_view expression;
  std::size_t character;
  std::string_view text;
};

TEST(Expression, widths_are_known) {
  const auto widths = check_expression("(?:ab|c){2,3}[x-z]?\\b", false);
  ASSERT_TRUE(widths) << widths.error().text;
  EXPECT_EQ(widths->min, 2U);
  EXPECT_EQ(widths->max, 7U);
}

TEST(Expression, what_both_engines_read_is_taken) {
  for (const std::string_view good :
       {"abc", "a.b", "a{3}", "a{0,5}b", "[]a]b", "[^]a]b", "[[:digit:]]{2}", "\\d\\w\\s\\.\\*\\\\", "\\x41\\x7f",
        "(a|b)(?:c|d)", "\\bword\\b", "a\\Bb", "[a-z\\-\\]]{1,4096}", "a\\{b", "x[$^*+?{}().|]", "a?b?c"})
    EXPECT_TRUE(check_expression(good, false)) << good << ": " << check_expression(good, false).error().text;
}

TEST(Expression, what_is_left_out_is_refused_in_words) {
  const Refused refused[] = {
      {"^abc", 1, "anchors"},
      {"abc$", 4, "anchors"},
      {"\\Aabc", 1, "anchors"},
      {"abc\\z", 4, "anchors"},
      {"ab*", 3, "repeats without a bound"},
      {"ab+", 3, "repeats without a bound"},
      {"a{2,}", 2, "repeats without a bound"},
      {"a{,2}", 2, "without a repetition"},
      {"a{b}", 2, "without a repetition"},
      {"a{2", 2, "without a repetition"},
      {"a{1,2}?b", 7, "lazy"},
      {"a??b", 3, "lazy"},
      {"a{1,2}+b", 7, "possessive"},
      {"(?=a)b", 1, "look-around"},
      {"a(?!b)", 2, "look-around"},
      {"(?<=a)b", 1, "look-around"},
      {"(?<!a)b", 1, "look-around"},
      {"(a)\\1", 4, "back references"},
      {"(?<n>a)", 1, "named groups"},
      {"(?P<n>a)", 1, "named groups"},
      {"(?i)abc", 1, "(?i"},
      {"(?>ab)", 1, "(?>"},
      {"(*UTF8)a", 1, "verbs"},
      {"\\Qa\\E", 1, "is not read"},
      {"\\p{L}", 1, "is not read"},
      {"a\\K", 2, "is not read"},
      {"\\Cab", 1, "is not read"},
      {"\\0ab", 1, "is not read"},
      {"\\x4", 1, "without two hexadecimal digits"},
      {"[\\b]", 2, "in a class"},
      {"[abc", 1, "never closed"},
      {"[]", 1, "never closed"},
      {"[[:<:]]a", 2, "POSIX class"},
      {"[[.a.]]", 2, "POSIX class"},
      {"abc\\", 4, "at the end"},
      {"gr\xc3\xb6\xc3\x9f"
       "e",
       3, "printable ASCII"},
      {"[\xc3\xb6]", 2, "printable ASCII"},
      {"a\tb", 2, "printable ASCII"},
      {"\\b{2}a", 3, "can not be repeated"},
      {"", 0, "it is empty"},
      {"a?", 0, "matches the empty string"},
      {"(|a)", 0, "matches the empty string"},
      {"\\b", 0, "matches the empty string"},
      {"a{4097}", 0, "wide"},
      {"(a{100}){50}", 0, "wide"},
  };
  for (const Refused& row : refused) {
    const auto widths = check_expression(row.expression, false);
    ASSERT_FALSE(widths) << row.expression;
    EXPECT_EQ(widths.error().character, row.character) << row.expression << ": " << widths.error().text;
    EXPECT_THAT(widths.error().text, HasSubstr(std::string(row.text))) << row.expression;
    EXPECT_FALSE(widths.error().suggestion.empty()) << row.expression;
  }
}

// What the walk does not look at is caught by the engines' own compilers.
TEST(Expression, slips_are_named_by_the_engines) {
  for (const std::string_view bad : {"(ab", "ab)", "?a", "[z-a]", "a{3,2}", "a{99999}"}) {
    const auto widths = check_expression(bad, false);
    ASSERT_FALSE(widths) << bad;
    EXPECT_FALSE(widths.error().text.empty());
  }
  EXPECT_GT(check_expression("ab)", false).error().character, 0U);
}

TEST(Expression, length_is_bounded) {
  EXPECT_TRUE(check_expression(std::string(kMaxExpressionBytes, 'a'), false));
  EXPECT_THAT(check_expression(std::string(kMaxExpressionBytes + 1, 'a'), false).error().text,
              HasSubstr("longer than"));
}

}  // namespace
}  // namespace sluice::rules
