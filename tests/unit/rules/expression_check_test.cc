// Which expressions are taken, and what is said about the others.
#include "rules/expression_check.h"

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

TEST(ExpressionCheck, widths_are_known) {
  const auto widths = check_expression("(?:ab|c){2,3}[x-z]?\\b", false);
  ASSERT_TRUE(widths) << widths.error().text;
  EXPECT_EQ(widths->min, 2U);
  EXPECT_EQ(widths->max, 7U);
}

TEST(ExpressionCheck, what_the_language_has_is_taken) {
  for (const std::string_view good : {"abc",
                                      "a.b",
                                      "a{3}",
                                      "a{0,5}b",
                                      "[]a]b",
                                      "[^]a]b",
                                      "[[:digit:]]{2}",
                                      "\\d\\w\\s\\.\\*\\\\",
                                      "\\x41\\x7f",
                                      "(a|b)(?:c|d)",
                                      "\\bword\\b",
                                      "a\\Bb",
                                      "[a-z\\-\\]]{1,4096}",
                                      "a\\{b",
                                      "x[$^*+?{}().|]",
                                      "a?b?c",
                                      "\\_[\\_]",
                                      "(|a)b",
                                      "[!-[]",
                                      "[+--]",
                                      "[a[b]",
                                      "ab$",
                                      "ab(?:[^a-z]|$)",
                                      "(?:a$|b$)",
                                      "a(?:b$)?"})
    EXPECT_TRUE(check_expression(good, false)) << good << ": " << check_expression(good, false).error().text;
}

TEST(ExpressionCheck, what_is_left_out_is_refused_in_words) {
  const Refused refused[] = {
      {"^abc", 1, "anchors"},
      {"ab$c", 3, "something behind it"},
      {"(?:ab$|c)(?:d|e?)", 6, "something behind it"},
      {"(?:a$){2}", 5, "something behind it"},
      {"a$?", 3, "no width"},
      {"a|$", 0, "empty string"},
      {"\\Aabc", 1, "anchors"},
      {"abc\\z", 4, "anchors"},
      {"ab*", 3, "repeats without a bound"},
      {"ab+", 3, "repeats without a bound"},
      {"a{2,}", 2, "repeats without a bound"},
      {"a{,2}", 2, "without a repetition"},
      {"a{b}", 2, "without a repetition"},
      {"a{3,2}", 2, "runs backwards"},
      {"a{0}b", 2, "repeats nothing"},
      {"a{4097}", 2, "more than 4096 times"},
      {"a{99999999999999999999}", 2, "more than 4096 times"},
      {"a{2}{3}", 5, "a repetition of a repetition"},
      {"?a", 1, "nothing before it"},
      {"a|{2}", 3, "nothing before it"},
      {"(ab", 1, "never closed"},
      {"a(b(?:c)", 2, "never closed"},
      {"ab)", 3, "without its '('"},
      {"[z-a]", 2, "runs backwards"},
      {"[a-\\d]", 2, "ends in a class"},
      {"[a-[:digit:]]", 2, "ends in a class"},
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
      {"(a{100}){50}", 9, "up to 5000 bytes wide"},
  };
  for (const Refused& row : refused) {
    const auto widths = check_expression(row.expression, false);
    ASSERT_FALSE(widths) << row.expression;
    EXPECT_EQ(widths.error().character, row.character) << row.expression << ": " << widths.error().text;
    EXPECT_THAT(widths.error().text, HasSubstr(std::string(row.text))) << row.expression;
    EXPECT_FALSE(widths.error().suggestion.empty()) << row.expression;
  }
}

// Neither the end of the text nor a byte that C knows as its end leads a parser astray.
TEST(ExpressionCheck, every_beginning_is_taken_or_refused) {
  const std::string whole = "(?:[[:digit:]a-f\\x41]{2,3}|\\bq?\\.){1,2}";
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const std::string start = whole.substr(0, length);
    for (const std::string& text : {start, start + '\0', start + "\\"}) {
      const auto widths = check_expression(text, false);
      EXPECT_LE(widths ? 0 : widths.error().character, text.size()) << text;
    }
  }
  EXPECT_TRUE(check_expression(whole, false));
}

struct TooLarge {
  std::string_view expression;
  std::size_t character;
  std::string_view before;  // the part that is to be shortened
};

// What the data plane would refuse is refused here, and the shortening that is proposed is enough and no more.
TEST(ExpressionCheck, what_fits_no_table_is_refused_with_what_to_shorten) {
  const TooLarge refused[] = {
      {"a.{0,60}b.{0,60}c.{0,60}", 3, "{0,60}"},
      {"x{2}(?:[ab]c?){0,30}a(?:[ab]c?){20}", 32, "{20}"},
      {"(?:(?:[ab]c?){0,30}a(?:[ab]c?){20}){2}", 14, "{0,30}"},
  };
  for (const TooLarge& row : refused) {
    const auto widths = check_expression(row.expression, false);
    ASSERT_FALSE(widths) << row.expression;
    const ExpressionProblem& problem = widths.error();
    EXPECT_EQ(problem.character, row.character) << row.expression;
    EXPECT_THAT(problem.text, HasSubstr("too many ways to match")) << row.expression;
    const std::string advice = "shorten " + std::string(row.before) + " to ";
    ASSERT_TRUE(problem.suggestion.starts_with(advice)) << problem.suggestion;
    const std::string after = problem.suggestion.substr(advice.size());
    const auto with = [&](const std::string& repetition) {
      return check_expression(std::string(row.expression).replace(row.character - 1, row.before.size(), repetition),
                              false);
    };
    EXPECT_TRUE(with(after)) << after;
    const std::size_t digits = after.find_last_not_of("0123456789}") + 1;
    const int most = std::stoi(after.substr(digits));
    EXPECT_FALSE(with(after.substr(0, digits) + std::to_string(most + 1) + "}")) << after;
  }
}

TEST(ExpressionCheck, what_can_never_match_is_refused) {
  for (const std::string_view expression :
       {R"(a\bb)", R"(sk\B-[a-z]{20})", R"(a[bc]{0,5}\bd)", R"([0-9]{30}\bx[0-9]{3})"}) {
    const auto widths = check_expression(expression, false);
    ASSERT_FALSE(widths) << expression;
    EXPECT_THAT(widths.error().text, HasSubstr("it can never match")) << expression;
  }
  EXPECT_TRUE(check_expression(R"(a\b-b)", false));
}

TEST(ExpressionCheck, when_no_single_repetition_helps_one_is_named_all_the_same) {
  const auto widths = check_expression("a.{0,60}b.{0,60}c.{0,60}|d.{0,60}e.{0,60}f.{0,60}", false);
  ASSERT_FALSE(widths);
  EXPECT_EQ(widths.error().character, 3U);
  EXPECT_EQ(widths.error().suggestion, "shorten {0,60} and other repetitions");
}

TEST(ExpressionCheck, length_is_bounded) {
  EXPECT_TRUE(check_expression(std::string(kMaxExpressionBytes, 'a'), false));
  EXPECT_THAT(check_expression(std::string(kMaxExpressionBytes + 1, 'a'), false).error().text,
              HasSubstr("longer than"));
}

}  // namespace
}  // namespace sluice::rules
