// The scanner against the oracle, over seeded content, rules and cuts. A failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "common/random.h"
#include "tests/unit/dataplane/inspect/corpus.h"
#include "tests/unit/dataplane/inspect/oracle.h"
#include "tests/unit/dataplane/inspect/random_rules.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

std::vector<std::size_t> every_byte(std::size_t length) {
  std::vector<std::size_t> cuts;
  for (std::size_t cut = 1; cut < length; ++cut) cuts.push_back(cut);
  return cuts;
}

std::vector<std::size_t> random_cuts(Random& random, std::size_t length, std::size_t count) {
  std::vector<std::size_t> cuts;
  for (; count > 0; --count) cuts.push_back(random.below(length + 1));
  std::sort(cuts.begin(), cuts.end());
  return cuts;
}

class Usual : public ::testing::TestWithParam<rules::Anchoring> {
 protected:
  void SetUp() override { ASSERT_TRUE(scratch_.grow_for(*rules_)); }
  [[nodiscard]] std::vector<Match> cut(std::string_view content, const std::vector<std::size_t>& cuts) {
    return scan_cut(*rules_, scratch_, content, cuts);
  }
  std::unique_ptr<RuleSet> rules_ = rule_set_of(usual_rules(), GetParam());
  Scratch scratch_;
  Oracle oracle_{usual_rules()};
};

TEST_P(Usual, DenseContentIsMatchedAsTheOracleDoesHoweverItIsCut) {
  std::size_t matches = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const std::string content = dense_corpus(seed, 200 + random.below(500));
    const std::vector<Match> expected = oracle_.matches(content);
    matches += expected.size();
    ASSERT_EQ(cut(content, {}), expected) << "seed " << seed << "\n" << content;
    ASSERT_EQ(cut(content, every_byte(content.size())), expected) << "seed " << seed << "\n" << content;
    for (int round = 0; round < 10; ++round) {
      const auto cuts = random_cuts(random, content.size(), 1 + random.below(12));
      ASSERT_EQ(cut(content, cuts), expected) << "seed " << seed << " round " << round << "\n" << content;
    }
  }
  EXPECT_GT(matches, 300U);  // else the content proves nothing
}

TEST_P(Usual, EveryTwoWayCutOfDenseContentIsTheSame) {
  for (std::uint64_t seed = 100; seed < 106; ++seed) {
    const std::string content = dense_corpus(seed, 400);
    const std::vector<Match> expected = oracle_.matches(content);
    for (std::size_t at = 0; at <= content.size(); ++at) {
      ASSERT_EQ(cut(content, {at}), expected) << "seed " << seed << " cut at " << at << "\n" << content;
    }
  }
}

TEST_P(Usual, JsonIsMatchedAsTheOracleDoes) {
  for (const std::size_t between : {0, 50, 400}) {
    Random random(between);
    const std::string content = json_corpus(between, 6000, between);
    const std::vector<Match> expected = oracle_.matches(content);
    EXPECT_EQ(expected.empty(), between == 0);
    EXPECT_EQ(cut(content, {}), expected);
    EXPECT_EQ(cut(content, random_cuts(random, content.size(), 40)), expected);
  }
}

class Conditional : public ::testing::TestWithParam<rules::Anchoring> {};

TEST_P(Conditional, ContentIsMatchedAsTheOracleDoesHoweverItIsCut) {
  const auto rules = rule_set_of(conditional_rules(), GetParam());
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*rules));
  const Oracle oracle(conditional_rules());
  std::array<std::size_t, 4> matches{};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    const std::string content = conditional_corpus(seed, 100 + random.below(400));
    const std::vector<Match> expected = oracle.matches(content);
    for (const Match& match : expected) ++matches.at(match.rule - 100);
    ASSERT_EQ(scan_cut(*rules, scratch, content, {}), expected) << "seed " << seed << "\n" << content;
    ASSERT_EQ(scan_cut(*rules, scratch, content, every_byte(content.size())), expected) << "seed " << seed;
    for (std::size_t at = seed % 3; at <= content.size(); at += 3)
      ASSERT_EQ(scan_cut(*rules, scratch, content, {at}), expected) << "seed " << seed << " cut at " << at;
    for (int round = 0; round < 10; ++round)
      ASSERT_EQ(scan_cut(*rules, scratch, content, random_cuts(random, content.size(), 1 + random.below(12))), expected)
          << "seed " << seed << " round " << round;
  }
  for (const std::size_t count : matches) EXPECT_GT(count, 10U);  // else the content proves nothing
}

INSTANTIATE_TEST_SUITE_P(Anchorings, Conditional,
                         ::testing::Values(rules::Anchoring::anchors, rules::Anchoring::patterns));
INSTANTIATE_TEST_SUITE_P(Anchorings, Usual, ::testing::Values(rules::Anchoring::anchors, rules::Anchoring::patterns));

// Literals of one rule may lie near the start of a match and far from it: what shows the near one must not decide a
// start before it, from which the far one may yet come.
TEST(LiteralsOfOneRule, AreMatchedAsTheOracleDoesHoweverContentIsCut) {
  const std::vector<TestRule> specs = {{"AB|[A-Z]{1,9}QZ", false, Validator::none},
                                       {"#k1[0-9]{1,3}|[#a-z0-9]{2,12}%far", false, Validator::none}};
  const Oracle oracle(specs);
  for (const auto anchoring : {rules::Anchoring::anchors, rules::Anchoring::databases}) {
    const auto rules = rule_set_of(specs, anchoring);
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(*rules));
    for (const std::string content : {"XXABXQZ", "ABQZ", "XAB ABXXQZ", "#k12ab%far", "ab#k1234%far #k1", "a#k1b#k19"}) {
      const std::vector<Match> expected = oracle.matches(content);
      EXPECT_FALSE(expected.empty());
      EXPECT_EQ(scan_cut(*rules, scratch, content, every_byte(content.size())), expected) << content;
      for (std::size_t at = 0; at <= content.size(); ++at)
        EXPECT_EQ(scan_cut(*rules, scratch, content, {at}), expected) << content << " cut at " << at;
    }
  }
}

// A rule that both engines take: Hyperscan refuses what can never match, such as \b\B; and a group may be too much.
std::unique_ptr<RuleSet> usable_rules(Random& random, TestRule (*make)(Random&), std::vector<TestRule>& out) {
  out.clear();
  while (out.size() < 3) {
    out.push_back(make(random));
    try {
      rule_set_of({out.back()});
    } catch (const std::runtime_error&) {
      out.pop_back();
    }
  }
  return rule_set_of(out, static_cast<rules::Anchoring>(random.below(3)));
}

// Widths, automata, conditions and held bytes of rules that nobody thought of. Returns how many matches there were.
std::size_t compare_random_rules(std::uint64_t seeds, TestRule (*make)(Random&)) {
  std::size_t matches = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Random random(seed);
    std::vector<TestRule> specs;
    const auto rules = usable_rules(random, make, specs);
    Scratch scratch;
    EXPECT_TRUE(scratch.grow_for(*rules));
    const Oracle oracle(specs);
    for (int round = 0; round < 6; ++round) {
      const std::string content = random_text(random, 10 + random.below(60));
      const std::vector<Match> expected = oracle.matches(content);
      matches += expected.size();
      const auto same = [&](const std::vector<std::size_t>& cuts) {
        const auto found = scan_cut(*rules, scratch, content, cuts);
        EXPECT_EQ(found, expected) << "seed " << seed << " cut at " << ::testing::PrintToString(cuts) << "\n"
                                   << specs[0].expression << "\n"
                                   << specs[1].expression << "\n"
                                   << specs[2].expression << "\n"
                                   << content;
        return found == expected;
      };
      if (!same({}) || !same(every_byte(content.size()))) return 0;
      for (std::size_t at = 1; at < content.size(); at += 3)
        if (!same({at})) return 0;
    }
  }
  return matches;
}

TEST(RandomRules, AreMatchedAsTheOracleDoesHoweverContentIsCut) {
  EXPECT_GT(compare_random_rules(300, random_rule), 5000U);
}

TEST(RandomConditionalRules, AreMatchedAsTheOracleDoesHoweverContentIsCut) {
  EXPECT_GT(compare_random_rules(400, random_conditional_rule), 3000U);
}

}  // namespace
}  // namespace sluice::inspect
