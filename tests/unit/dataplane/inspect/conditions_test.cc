// What a rule asks of its matches, one thing at a time. That cuts change nothing is differential_test's to show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "common/random.h"
#include "dataplane/inspect/entropy.h"
#include "tests/unit/dataplane/inspect/oracle.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What is reported in `content`, in order; the oracle must agree, and so must every cut.
std::vector<std::string> found(const TestRule& rule, std::string_view content) {
  const auto set = rule_set_of({rule});
  Scratch scratch;
  EXPECT_TRUE(scratch.grow_for(*set));
  const std::vector<Match> matches = scan_cut(*set, scratch, content, {});
  EXPECT_EQ(matches, Oracle({rule}).matches(content)) << content;
  for (std::size_t cut = 1; cut < content.size(); ++cut)
    EXPECT_EQ(scan_cut(*set, scratch, content, {cut}), matches) << content << " cut at " << cut;
  std::vector<std::string> texts;
  for (const Match& match : matches) texts.emplace_back(content.substr(match.begin, match.end - match.begin));
  return texts;
}

TestRule with_group(std::string expression) {
  return {.expression = std::move(expression), .conditions = {.group = 1}};
}
TestRule near(rules::ContextSpec context) {
  return {.expression = R"(\b\d{3}\b)", .conditions = {.context = std::move(context)}};
}
TestRule allowing(std::string expression, rules::AllowSpec allow) {
  return {.expression = std::move(expression), .conditions = {.allow = std::move(allow)}};
}

TEST(Group, IsWhatIsReported) {
  EXPECT_THAT(found(with_group("key=([a-z]{2,8});"), "key=abc; key=; key=de;"), ElementsAre("abc", "de"));
  EXPECT_THAT(found(with_group("(ab)"), "xaby"), ElementsAre("ab"));
}

TEST(Group, BeginsAsEarlyAsItCanInTheLongestMatch) {
  EXPECT_THAT(found(with_group("[a-z]{0,4}([a-z]{2,9})"), "abcdef"), ElementsAre("abcdef"));
  EXPECT_THAT(found(with_group("k[a-z]{0,4}([a-z]{2,3}):"), "kabcdef:"), ElementsAre("def"));
  EXPECT_THAT(found(with_group("k[a-z]{1,4}([a-z]{2,9}):"), "kabcdef:"), ElementsAre("bcdef"));
}

TEST(Group, EndsAsLateAsItCan) {
  EXPECT_THAT(found(with_group("=([a-z]{2,9})[a-z]{0,3}"), "=abcdef"), ElementsAre("abcdef"));
  EXPECT_THAT(found(with_group("=([a-z]{2,9})[a-z]{2}[;.]"), "=abcdef;"), ElementsAre("abcd"));
}

TEST(Group, ItsValidatorTakesShorterOnes) {
  TestRule rule = with_group(R"(card:((?:\d ?){12,18}\d))");
  rule.validator = Validator::luhn;
  EXPECT_THAT(found(rule, "card:4111111111111111 202"), ElementsAre("4111111111111111"));
  EXPECT_THAT(found(rule, "card:4111111111111112"), IsEmpty());
}

TEST(Group, MatchesOfTheWholeExpressionDoNotOverlap) {
  // The second "ab" stands in what follows the first group.
  EXPECT_THAT(found(with_group("(ab)[a-z]{0,4}"), "abxab ab"), ElementsAre("ab", "ab"));
}

TEST(Group, BoundariesSeeWhatIsAroundThem) {
  EXPECT_THAT(found(with_group(R"(\b(a\d{1,3})\b)"), "a12 xa34 a5x a6"), ElementsAre("a12", "a6"));
  EXPECT_THAT(found(with_group(R"((?:x|\B)(b\d)\b)"), "xb1 ab2 b3"), ElementsAre("b1", "b2"));
  EXPECT_THAT(found(with_group(R"(\b(k\d{2}))"), R"("\nk12" nk13)"), ElementsAre("k12"));
}

// Whether the group is "b" or "ab" is for the byte behind to say, though the match ends where it does in any case.
TEST(Group, WaitsForTheByteBehind) {
  const TestRule rule = with_group(R"(a?(b\b|ab\B))");
  EXPECT_THAT(found(rule, "ab-"), ElementsAre("b"));
  EXPECT_THAT(found(rule, "abc"), ElementsAre("ab"));
  EXPECT_THAT(found(rule, "ab"), ElementsAre("b"));
}

TEST(Context, CountsOnlyNearAWord) {
  const TestRule rule = near({{"pin"}, 8, false});
  EXPECT_THAT(found(rule, "pin 123 456"), ElementsAre("123", "456"));
  EXPECT_THAT(found(rule, "pin: 123 ... 456"), ElementsAre("123"));
  EXPECT_THAT(found(rule, "123 pin"), IsEmpty());
  EXPECT_THAT(found(rule, "pin      123"), IsEmpty()) << "nine bytes from the word's first to the match";
  EXPECT_THAT(found(rule, "pin     123"), ElementsAre("123"));
}

TEST(Context, LooksBehindWhenAsked) {
  const TestRule rule = near({{"pin"}, 8, true});
  EXPECT_THAT(found(rule, "123 pin 456"), ElementsAre("123", "456"));
  EXPECT_THAT(found(rule, "123     pin"), ElementsAre("123"));
  EXPECT_THAT(found(rule, "123      pin"), IsEmpty());
  EXPECT_THAT(found(rule, "123 pins"), IsEmpty());
  EXPECT_THAT(found(rule, "123     pins"), IsEmpty());
}

TEST(Context, TakesWholeWordsInEitherCase) {
  const TestRule rule = near({{"pin", "pass code"}, 16, false});
  for (const char* content : {"PIN 123", "my_pin=123", R"({"Pin":123})", R"("\npin 123")", "pass_code 123",
                              "passcode 123", "Pass-Code: 123", "pass code 123"})
    EXPECT_THAT(found(rule, content), ElementsAre("123")) << content;
  for (const char* content :
       {"spin 123", "pin4 123", "ping 123", "pass  code 123", "pi n 123", "p\xc3\xa9pin 123", "\xc3\xa9pin 123"})
    EXPECT_THAT(found(rule, content), IsEmpty()) << content;
}

TEST(Context, IsThatOfTheWholeMatch) {
  TestRule rule{.expression = R"(no[.:]? (\d{3})\b)", .conditions = {.group = 1, .context = {{"pin"}, 5, false}}};
  EXPECT_THAT(found(rule, "pin no: 123"), ElementsAre("123"));
  EXPECT_THAT(found(rule, "pin xx no: 123"), IsEmpty());
}

TEST(Context, IsRememberedWhenTheBytesAreGone) {
  const auto set = rule_set_of({near({{"pin"}, 64, false})});
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*set));
  Stream stream(*set, scratch);
  const std::string content = "\\npin" + std::string(60, '.') + " 123;";
  for (const char c : content) {
    ASSERT_TRUE(stream.feed(std::string_view(&c, 1), false));
    EXPECT_LE(stream.held_bytes(), 4U);
  }
  EXPECT_EQ(stream.matches().size(), 1U);
}

TEST(Entropy, MeasuresBitsAByte) {
  const auto enough = [](std::string_view text, std::uint32_t millibits) {
    std::vector<std::uint32_t> ends = {static_cast<std::uint32_t>(text.size())};
    keep_random(as_bytes(text), 0, millibits, ends);
    return !ends.empty();
  };
  EXPECT_TRUE(enough("0123456789abcdef", 4000));
  EXPECT_FALSE(enough("0123456789abcdef", 4001));
  EXPECT_TRUE(enough("aaabbbcccddd", 2000)) << "as much as the minimum counts, though no power of two is in it";
  EXPECT_FALSE(enough("aaabbbcccddd", 2001));
  EXPECT_FALSE(enough("aaaaaaaa", 1));
  EXPECT_TRUE(enough("aaaaaaab", 543));  // 0.5436
  EXPECT_FALSE(enough("aaaaaaab", 544));
  std::string all(4096, ' ');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  EXPECT_TRUE(enough(all, 8000));
  for (std::size_t i = 0; i < 4095; ++i) all[i] = 'x';
  EXPECT_FALSE(enough(all, 10));
}

TEST(Entropy, OfEveryLengthIsWhatFloatingPointSays) {
  Random random(3);
  std::string text;
  for (int i = 0; i < 4096; ++i) text += static_cast<char>('a' + random.below(1 + static_cast<std::uint64_t>(i) / 100));
  std::vector<std::uint32_t> all(4096);
  std::iota(all.begin(), all.end(), 1U);
  for (const std::uint32_t millibits : {500U, 1500U, 3141U}) {
    std::vector<std::uint32_t> ends = all;
    keep_random(as_bytes(text), 0, millibits, ends);
    EXPECT_FALSE(ends.empty());
    std::vector<std::uint32_t> expected = all;
    std::erase_if(expected, [&](std::uint32_t end) {
      return oracle_entropy(std::string_view(text).substr(0, end)) < millibits / 1000.0 - 1e-9;
    });
    EXPECT_EQ(ends, expected) << millibits;
  }
}

TEST(Entropy, RefusesWhatAPersonWouldWrite) {
  TestRule rule{.expression = R"(\b[A-Za-z0-9]{8,40}\b)", .conditions = {.min_entropy_millibits = 3500}};
  EXPECT_THAT(found(rule, "aaaaaaaabbbbbbbb password01 Zk39fQa1Lw0XyPq7 00000000"), ElementsAre("Zk39fQa1Lw0XyPq7"));
}

TEST(Allow, ValuesAreExact) {
  const TestRule rule = allowing("AK[A-Z]{3}", {{"AKABC", "x"}, {}, {}});
  EXPECT_THAT(found(rule, "AKABC AKABD"), ElementsAre("AKABD"));
}

TEST(Allow, StopWordsAreFoundInsideInEitherCase) {
  const TestRule rule = allowing("[a-zA-Z]{4,12}[;.]", {{}, {"test", "me."}, {}});
  EXPECT_THAT(found(rule, "myTESTkey; thetestkey. some. tesla;"), ElementsAre("tesla;"));
}

TEST(Allow, WhatIsAllowedIsPassedOverWhole) {
  const TestRule rule = allowing("[a-z]{4,8}", {{}, {"xx"}, {}});
  EXPECT_THAT(found(rule, "abcdxxef abcd"), ElementsAre("abcd"));
  EXPECT_THAT(found(rule, "abcdxxefghij"), ElementsAre("ghij"));
  // Another rule's match that begins in it must not make a cut there.
  const auto set = rule_set_of({rule, {.expression = "ef.{1,40}!"}});
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*set));
  EXPECT_THAT(scan_cut(*set, scratch, "abcdxxef ..", {9, 10}), IsEmpty());
}

TEST(Allow, ExpressionsMatchAll) {
  const TestRule rule = allowing(R"(\b[a-z0-9]{4,12}\b)", {{}, {}, {"[a-z]{4,12}", R"(0\w{3}\b)"}});
  EXPECT_THAT(found(rule, "letters l3tters 0abc 0abcd"), ElementsAre("l3tters", "0abcd"));
}

TEST(Allow, LooksAtTheGroup) {
  TestRule rule = with_group("key=([a-z]{3,5});");
  rule.conditions.allow = {{"abc"}, {"key"}, {}};
  EXPECT_THAT(found(rule, "key=abc; key=abcd; key=akey;"), ElementsAre("abcd"));
}

TEST(Mod97, IsAValidatorOfRules) {
  const TestRule rule{.expression = R"(\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b)", .validator = Validator::mod97};
  EXPECT_THAT(found(rule, "to DE89 3704 0044 0532 0130 00 20 and DE88370400440532013000."),
              ElementsAre("DE89 3704 0044 0532 0130 00"));
}

}  // namespace
}  // namespace sluice::inspect
