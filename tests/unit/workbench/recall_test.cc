// Every well-formed value is found, in every kind of text, wherever the text is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "rules/sample_text.h"
#include "tests/support/labelled_values.h"
#include "tests/unit/workbench/packs.h"
#include "workbench/trial.h"

namespace sluice::workbench {
namespace {

using test::Labelled;

class Recall : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    rules_ = rules_of({"pii", "pii-wide", "secrets", "secrets-wide"});
    auto trial = Trial::of(rules_);
    ASSERT_TRUE(trial) << trial.error().message();
    trial_ = new Trial(std::move(*trial));
  }
  static void TearDownTestSuite() {
    delete trial_;
    trial_ = nullptr;
  }

  static std::vector<Match> scan(const std::string& text, std::size_t piece_bytes) {
    std::vector<Match> matches;
    EXPECT_TRUE(trial_->scan(as_bytes(text), piece_bytes, matches));
    return matches;
  }
  // In two calls.
  static std::vector<Match> scan_cut(const std::string& text, std::size_t cut) {
    std::vector<Match> matches;
    inspect::ScanState state;
    EXPECT_EQ(trial_->feed(state, as_bytes(text).first(cut), false, matches), ErrorCode::ok);
    EXPECT_EQ(trial_->feed(state, as_bytes(text).subspan(state.hold), true, matches), ErrorCode::ok);
    return matches;
  }
  // The rule itself, or one that reads what it does not: values with spaces, or as a form has them.
  static bool reads(const std::string& name, const std::string& rule) {
    const auto bare = [](const std::string& full) { return full.substr(full.find('/') + 1); };
    for (const char* suffix : {"", "-in-form", "-spaced"})
      if (bare(name) == bare(rule) + suffix) return true;
    return false;
  }
  // Every byte of the value lies in such a match.
  static bool covers(const std::vector<Match>& matches, const std::string& rule, std::size_t begin, std::size_t end) {
    std::size_t covered = begin;
    for (const Match& match : matches)
      if (reads(rules_[match.rule].name, rule) && match.begin <= covered)
        covered = std::max<std::size_t>(covered, match.end);
    return covered >= end;
  }

  static inline std::vector<rules::Rule> rules_;
  static inline Trial* trial_ = nullptr;
};

TEST_F(Recall, there_are_values_for_every_rule) {
  const auto made = test::labelled_rules();
  const std::set<std::string> known(made.begin(), made.end());
  for (const rules::Rule& rule : rules_)
    EXPECT_TRUE(std::ranges::any_of(known, [&](const std::string& one) { return reads(rule.name, one); })) << rule.name;
}

TEST_F(Recall, every_value_is_found_at_every_cut) {
  Random random(1);
  std::size_t cuts = 0;
  for (const std::string& rule : test::labelled_rules())
    for (const test::TextKind kind : test::kTextKinds)
      for (std::size_t i = 0; test::occurs_in(rule, kind) && i < 2 * test::ways_of(rule); ++i) {
        const auto value = test::value_of(rule, i % test::ways_of(rule), random);
        const Labelled labelled = test::carried(value, kind, random);
        const auto whole = scan(labelled.text, labelled.text.size());
        EXPECT_TRUE(covers(whole, rule, labelled.begin, labelled.end)) << rule << " misses: " << labelled.text;
        for (std::size_t cut = labelled.begin - 2; cut <= labelled.end + 2; ++cut, ++cuts)
          if (scan_cut(labelled.text, cut) != whole) {
            ADD_FAILURE() << rule << " finds something else when it is cut at " << cut << ": " << labelled.text;
            break;
          }
      }
  EXPECT_GT(cuts, 10'000U);
}

TEST_F(Recall, every_value_is_found_in_long_text_that_comes_in_segments) {
  Random random(2);
  std::string text;
  std::vector<std::pair<std::string, Labelled>> values;
  const std::string& between = rules::sample_text();
  for (int round = 0; round < 3; ++round)
    for (const std::string& rule : test::labelled_rules())
      for (const test::TextKind kind : test::kTextKinds) {
        if (!test::occurs_in(rule, kind)) continue;
        text += between.substr(random.below(between.size() / 2), random.below(600)) + "\n";
        Labelled one = test::carried(test::value_of(rule, random.below(test::ways_of(rule)), random), kind, random);
        one.begin += text.size();
        one.end += text.size();
        text += one.text;
        values.emplace_back(rule, one);
      }
  const auto whole = scan(text, text.size());
  for (const std::size_t piece_bytes : {1448, 97, 1}) EXPECT_EQ(scan(text, piece_bytes), whole) << piece_bytes;
  for (const auto& [rule, value] : values)
    EXPECT_TRUE(covers(whole, rule, value.begin, value.end)) << rule << " misses: " << value.text;
}

// What risk looks for is told by its samples: found in a member of JSON, wherever that is cut.
TEST(RecallOfRisks, every_sample_is_found_at_every_cut) {
  const auto rules = rules_of({"risk"});
  auto trial = Trial::of(rules);
  ASSERT_TRUE(trial) << trial.error().message();
  std::size_t cuts = 0;
  for (RuleIndex i = 0; i < rules.size(); ++i)
    for (const std::string& sample : rules[i].hits) {
      const std::string text = "{\"id\":17,\"q\":\"" + sample + "\",\"open\":true}";
      const Bytes bytes = as_bytes(text);
      std::vector<Match> whole;
      ASSERT_TRUE(trial->scan(bytes, whole));
      EXPECT_TRUE(std::ranges::count(whole, i, &Match::rule) > 0) << rules[i].name << " misses: " << text;
      for (std::size_t cut = 1; cut < text.size(); ++cut, ++cuts) {
        std::vector<Match> matches;
        inspect::ScanState state;
        ASSERT_EQ(trial->feed(state, bytes.first(cut), false, matches), ErrorCode::ok);
        ASSERT_EQ(trial->feed(state, bytes.subspan(state.hold), true, matches), ErrorCode::ok);
        EXPECT_EQ(matches, whole) << rules[i].name << " finds something else when it is cut at " << cut << ": " << text;
      }
    }
  EXPECT_GT(cuts, 1000U);
}

}  // namespace
}  // namespace sluice::workbench
