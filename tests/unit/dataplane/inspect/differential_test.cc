// The scanner against the oracle, over seeded content, rules and cuts. A failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
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

INSTANTIATE_TEST_SUITE_P(Anchorings, Usual, ::testing::Values(rules::Anchoring::anchors, rules::Anchoring::patterns));

// A rule that both engines take: Hyperscan refuses what can never match, such as \b\B.
TestRule usable_rule(Random& random) {
  for (;;) {
    TestRule rule = random_rule(random);
    try {
      specs_of({rule});
      return rule;
    } catch (const std::runtime_error&) {
    }
  }
}

// Widths, automata and held bytes of rules that nobody thought of.
TEST(RandomRules, AreMatchedAsTheOracleDoesHoweverContentIsCut) {
  std::size_t matches = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    const std::vector<TestRule> specs = {usable_rule(random), usable_rule(random), usable_rule(random)};
    const auto rules = rule_set_of(specs, static_cast<rules::Anchoring>(random.below(3)));
    Scratch scratch;
    ASSERT_TRUE(scratch.grow_for(*rules));
    const Oracle oracle(specs);
    for (int round = 0; round < 6; ++round) {
      const std::string content = random_text(random, 10 + random.below(60));
      const std::vector<Match> expected = oracle.matches(content);
      matches += expected.size();
      const auto about = [&] {
        return "seed " + std::to_string(seed) + "\n" + specs[0].expression + "\n" + specs[1].expression + "\n" +
               specs[2].expression + "\n" + content;
      };
      ASSERT_EQ(scan_cut(*rules, scratch, content, {}), expected) << about();
      ASSERT_EQ(scan_cut(*rules, scratch, content, every_byte(content.size())), expected) << about();
      for (std::size_t at = 1; at < content.size(); at += 3) {
        ASSERT_EQ(scan_cut(*rules, scratch, content, {at}), expected) << "cut at " << at << " " << about();
      }
    }
  }
  EXPECT_GT(matches, 5000U);
}

}  // namespace
}  // namespace sluice::inspect
