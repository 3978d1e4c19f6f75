#include "rules/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "rules/bundle.h"
#include "rules/compile.h"
#include "rules/group.h"
#include "tests/unit/rules/samples.h"

namespace sluice::rules {
namespace {

Expression parsed(std::string_view text) {
  auto expression = parse_expression(text, false);
  EXPECT_TRUE(expression) << text;
  return expression ? *std::move(expression) : Expression{};
}

// Whether the whole of `text` is matched.
bool matches(const Expression& expression, std::string_view text) {
  const auto automaton = Automaton::build(expression);
  std::vector<std::uint32_t> ends;
  EXPECT_TRUE(automaton->ends_from(as_bytes(text), 0, true, ends));
  return !ends.empty() && ends.back() == text.size();
}

TEST(Group, CutsAnExpressionInThree) {
  for (const char* text : {"ab(c|d)e", "(?:ab)(c|d)e", "(?:a(?:b(c|d)))e", "(?:a|a)b(c|d)(?:e|f)"}) {
    const auto parts = split_at_group(parsed(text), 1);
    ASSERT_TRUE(parts) << text;
    EXPECT_TRUE(matches(parts->before, "ab")) << text;
    EXPECT_TRUE(matches(parts->group, "d")) << text;
    EXPECT_TRUE(matches(parts->after, "e")) << text;
    EXPECT_FALSE(matches(parts->group, "e")) << text;
  }
}

TEST(Group, IsOneOfSeveral) {
  const auto expression = parsed("(a)(?:b)((c)d)");
  EXPECT_TRUE(matches(split_at_group(expression, 1)->after, "bcd"));
  EXPECT_TRUE(matches(split_at_group(expression, 2)->group, "cd"));
  EXPECT_TRUE(matches(split_at_group(expression, 3)->before, "ab"));
  EXPECT_FALSE(split_at_group(expression, 4));
}

TEST(Group, MayBeAll) {
  const auto parts = split_at_group(parsed("(ab)"), 1);
  ASSERT_TRUE(parts);
  EXPECT_EQ(widths_of(parts->before).max, 0U);
  EXPECT_EQ(widths_of(parts->after).max, 0U);
  EXPECT_TRUE(matches(parts->before, ""));
}

TEST(Reversed, MatchesTheSameBytesInTheOppositeOrder) {
  for (const char* text : {"ab(?:cd|e){1,2}f", "\\bab?c{2,3}\\b", "(?:ab|bc){2}a", "x(?:y|zz?)\\Bw"}) {
    const Expression expression = parsed(text);
    const Expression backward = reversed(expression);
    Random random(1);
    for (int round = 0; round < 3000; ++round) {
      std::string sample;
      for (std::uint64_t n = random.below(8); n > 0; --n) sample += "abcdefxyzw"[random.below(10)];
      EXPECT_EQ(matches(expression, sample), matches(backward, std::string(sample.rbegin(), sample.rend())))
          << text << sample;
    }
    for (const std::string sample : {"abcdcdf", "abef", "acc", "abccc", "bcaba", "xyw", "xzzw"})
      EXPECT_EQ(matches(expression, sample), matches(backward, std::string(sample.rbegin(), sample.rend())))
          << text << sample;
  }
}

// The list of a well-known set of secret rules is about so long.
TEST(Conditions, TakeThousandsOfStopWords) {
  Random random(7);
  ConditionSpec spec;
  for (int i = 0; i < 1500; ++i) {
    std::string word;
    for (std::uint64_t n = 3 + random.below(8); n > 0; --n) word += static_cast<char>('a' + random.below(26));
    spec.allow.contain.push_back(std::move(word));
  }
  EXPECT_TRUE(build_conditions(spec, parsed("ab"), false));
}

TEST(Conditions, ThatAreTooMuchAreRefused) {
  Random random(7);
  ConditionSpec spec;
  for (int i = 0; i < 1000; ++i) {
    std::string word;
    for (int n = 0; n < 60; ++n) word += static_cast<char>('!' + random.below(90));
    spec.allow.values.push_back(std::move(word));
  }
  const auto built = build_conditions(spec, parsed("ab"), false);
  ASSERT_FALSE(built);
  EXPECT_THAT(built.error().what(), ::testing::HasSubstr("allow values: too much together"));
}

TEST(Conditions, OfARuleWithoutAnyAreEmpty) {
  EXPECT_TRUE(ConditionSpec{}.empty());
  EXPECT_FALSE((ConditionSpec{.group = 1}).empty());
  EXPECT_FALSE((ConditionSpec{.min_entropy_millibits = 1}).empty());
  EXPECT_FALSE((ConditionSpec{.context = {{"a"}, 5, false}}).empty());
  EXPECT_FALSE((ConditionSpec{.allow = {{"a"}, {}, {}}}).empty());
}

constexpr std::string_view kConditional = R"(services:
  - {name: a, address: "10.0.0.1:80", protocol: http, mode: enforce, rules: [local/*]}
rules:
  - name: key
    match: 'key=([a-z0-9]{8,40});'
    group: 1
    entropy: 3.25
    context: {words: [token, api key], within: 20, side: both}
    allow: {values: Aa, contain: [example, test], match: ['x{1,9}']}
    where: request
    action: deny
  - {name: plain, match: ab, where: request, action: deny, group: 0}
)";

TEST(Conditions, AreReadAndShown) {
  const Policy policy = parse_or_die(kConditional);
  const ConditionSpec& spec = policy.rules.at(0).conditions;
  EXPECT_EQ(spec.group, 1U);
  EXPECT_EQ(spec.min_entropy_millibits, 3250U);
  EXPECT_EQ(spec.context.words, (std::vector<std::string>{"token", "api key"}));
  EXPECT_EQ(spec.context.within, 20U);
  EXPECT_TRUE(spec.context.both_sides);
  EXPECT_EQ(spec.allow.values, std::vector<std::string>{"Aa"});
  EXPECT_EQ(spec.allow.contain.size(), 2U);
  EXPECT_EQ(spec.allow.match, std::vector<std::string>{"x{1,9}"});
  EXPECT_TRUE(policy.rules.at(1).conditions.empty());
  EXPECT_THAT(describe(policy),
              ::testing::HasSubstr("deny, masked on record, group 1, entropy at least 3.25, with one of "
                                   "2 words within 20 bytes on both sides, 4 allowed, 13-45 bytes"));
}

TEST(Conditions, AreCarriedInABundleThatOlderReadersRefuse) {
  const auto bytes = compile_policy(parse_or_die(kConditional), this_platform(), 1, 0);
  ASSERT_TRUE(bytes);
  const auto& out = *flatbuffers::GetRoot<schema::policy::Policy>(bytes->data());
  EXPECT_EQ(out.format(), kPolicyFormatWithConditions);
  const auto* conditions = out.rules()->Get(0)->conditions();
  ASSERT_NE(conditions, nullptr);
  EXPECT_EQ(conditions->group(), 1);
  EXPECT_EQ(conditions->min_entropy(), 3250U);
  EXPECT_EQ(conditions->context_words()->Get(1)->str(), "api key");
  EXPECT_EQ(conditions->context_within(), 20);
  EXPECT_TRUE(conditions->context_both_sides());
  EXPECT_EQ(conditions->allow_values()->Get(0)->str(), "Aa");
  EXPECT_EQ(conditions->allow_contain()->size(), 2U);
  EXPECT_EQ(conditions->allow_match()->Get(0)->str(), "x{1,9}");
  EXPECT_EQ(out.rules()->Get(1)->conditions(), nullptr);
}

TEST(Conditions, HaveDefaults) {
  const Policy policy = parse_or_die(
      "services: [{name: a, address: '10.0.0.1:80', protocol: http, mode: enforce}]\n"
      "rules: [{name: r, match: ab, where: request, action: deny, context: {words: pin}}]\n");
  EXPECT_EQ(policy.rules.at(0).conditions.context.within, 40U);
  EXPECT_FALSE(policy.rules.at(0).conditions.context.both_sides);
}

}  // namespace
}  // namespace sluice::rules
