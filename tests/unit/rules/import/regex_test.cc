// Go's regular expressions are read as Go reads them, and what Go refuses is refused with its place.
#include "rules/import/regex.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "rules/import/print.h"

namespace sluice::rules::import {
namespace {

// How the tree would be said in our language, where it can be.
std::string said(std::string_view text) {
  const auto regex = parse_regex(text);
  if (!regex) return "character " + std::to_string(regex.error().character) + ": " + regex.error().text;
  return print(*regex, wants_ignore_case(*regex));
}

struct Pair {
  std::string_view go;
  std::string_view ours;
};

TEST(GoRegex, is_said_in_our_words) {
  const Pair pairs[] = {
      {"abc", "abc"},
      {"(?:ab)c", "abc"},
      {"(?:a|b)c", "(?:a|b)c"},
      {"(?P<name>a)b", "(a)b"},
      {"(?<name>a)b", "(a)b"},
      {"a{3}?b", "a{3}b"},
      {"a??b{2,3}?", "a?b{2,3}"},
      {R"([[:alnum:]]{2})", "[[:alnum:]]{2}"},
      {R"([[:word:]])", R"([0-9A-Z_a-z])"},
      {R"([[:^digit:]])", R"([^0-9])"},
      {R"(\x60\x{27}\a)", R"(\x60'\x07)"},
      {R"(\Qa.b\E.)", R"(a\.b.)"},
      {R"(${x}{y})", R"($\{x}\{y})"},
      {"(?s:.)a.", R"([\x00-\xff]a.)"},
      {"\\/\\_\\-", "\\/\\_\\-"},
      {"a(?:)b()", "ab()"},
      {"\xc3\xa9{2}", R"((?:\xc3\xa9){2})"},
      {"[a\xc3\xa9]", R"((?:\xc3\xa9|a))"},
  };
  for (const Pair& pair : pairs) EXPECT_EQ(said(pair.go), pair.ours) << pair.go;
}

TEST(GoRegex, flags_hold_to_the_end_of_their_group) {
  const Pair pairs[] = {
      {"(?i)ab1", "ab1"},  // with ignore_case
      {"a(?i)b", "a[Bb]"},
      {"a(?i:b)c", "a[Bb]c"},
      {"(?:a(?i)b|c)d", "(?:a[Bb]|[Cc])d"},
      {"(?i)a(?-i:b)c", "[Aa]b[Cc]"},
      {"(?i)a(?-i)b", "[Aa]b"},
      {"(?i)[^a]b(?-i:c)", "[^Aa][Bb]c"},
      {"(?i:[a-f0-9])x", "[0-9A-Fa-f]x"},
  };
  for (const Pair& pair : pairs) EXPECT_EQ(said(pair.go), pair.ours) << pair.go;
  const auto ungreedy = parse_regex("(?U)a{1,2}?b{1,2}");
  ASSERT_TRUE(ungreedy);
  EXPECT_FALSE(ungreedy->parts[0].lazy);
  EXPECT_TRUE(ungreedy->parts[1].lazy);
}

TEST(GoRegex, ends_of_texts_and_lines_are_told_apart) {
  const auto kinds = [](std::string_view text) {
    std::vector<Regex::Kind> out;
    const auto regex = parse_regex(text);
    EXPECT_TRUE(regex) << text;
    if (regex)
      for (const Regex& part : regex->parts) out.push_back(part.kind);
    return out;
  };
  using Kind = Regex::Kind;
  EXPECT_EQ(kinds("^$"), (std::vector{Kind::begin, Kind::end}));
  EXPECT_EQ(kinds("\\A\\z"), (std::vector{Kind::begin, Kind::end}));
  EXPECT_EQ(kinds("(?m)^$"), (std::vector{Kind::line_begin, Kind::line_end}));
  EXPECT_EQ(kinds("\\b\\B"), (std::vector{Kind::boundary, Kind::no_boundary}));
}

TEST(GoRegex, what_go_refuses_is_refused_where_it_stands) {
  struct Refused {
    std::string_view go;
    std::size_t character;
    std::string_view words;
  };
  const Refused all[] = {
      {"", 1, "empty"},
      {"ab(", 4, "never closed"},
      {"ab)c", 3, "without its '('"},
      {"a**", 3, "repetition of a repetition"},
      {"*a", 1, "nothing before it"},
      {"a{3,2}", 2, "runs backwards"},
      {"[z-a]", 5, "runs backwards"},
      {"[a", 3, "never closed"},
      {"(?=a)", 3, "look-around"},
      {"(?<!a)b", 4, "look-around"},
      {"(?x)a", 3, "none of Go's"},
      {"a\\", 2, "at the end"},
      {R"(\pL)", 1, "Unicode"},
      {R"(\1)", 1, "'\\1' is not read"},
      {R"(\x{263a})", 1, "outside ASCII"},
      {R"(\xg)", 1, "its digits"},
      {"[[:nothing:]]", 4, "Go does not have"},
      {"[\xc3\xa0-\xc3\xa9]", 4, "range of characters outside ASCII"},
      {"[^\xc3\xa0]", 6, "all but characters outside ASCII"},
  };
  for (const Refused& refused : all) {
    const auto regex = parse_regex(refused.go);
    ASSERT_FALSE(regex) << refused.go;
    EXPECT_EQ(regex.error().character, refused.character) << refused.go << ": " << regex.error().text;
    EXPECT_NE(regex.error().text.find(refused.words), std::string::npos) << refused.go << ": " << regex.error().text;
  }
}

TEST(GoRegex, depth_and_length_are_bounded) {
  EXPECT_FALSE(parse_regex(std::string(200, '(') + "a" + std::string(200, ')')));
  EXPECT_FALSE(parse_regex(std::string(kMaxRegexBytes + 1, 'a')));
  EXPECT_TRUE(parse_regex(std::string(50, '(') + "a" + std::string(50, ')')));
}

TEST(GoRegex, widths_have_a_ceiling) {
  const auto regex = parse_regex("(?:(?:a{1000}){1000}){10000}b*");
  ASSERT_TRUE(regex);
  EXPECT_EQ(least_width(*regex), std::uint64_t{kNoBound});
  EXPECT_EQ(most_width(*regex), std::uint64_t{kNoBound});
  EXPECT_EQ(least_width(*parse_regex("a?(b|cd){2}")), 2U);
  EXPECT_EQ(most_width(*parse_regex("a?(b|cd){2}")), 5U);
}

// Whatever bytes come, there is an answer; and what is read here RE2 reads too.
TEST(GoRegex, any_text_has_an_answer) {
  constexpr std::string_view kPieces = "ab1(?i:)[]^-{},+*|\\$.PQEx<>=!0";
  std::uint64_t state = 1;
  std::size_t read = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = 0; i < 1 + round % 12; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text += kPieces[(state >> 33) % kPieces.size()];
    }
    const auto regex = parse_regex(text);
    if (!regex) {
      EXPECT_FALSE(regex.error().text.empty());
      continue;
    }
    re2::RE2::Options options(re2::RE2::Latin1);
    options.set_log_errors(false);
    const re2::RE2 oracle(text, options);
    // It knows neither (?<name>...) nor repetitions beyond 1000, and takes no name twice.
    EXPECT_TRUE(oracle.ok() || text.contains("(?<")) << text << ": " << oracle.error();
    ++read;
  }
  EXPECT_GT(read, 3000U);
}

}  // namespace
}  // namespace sluice::rules::import
