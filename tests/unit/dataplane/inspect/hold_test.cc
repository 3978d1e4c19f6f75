// What is held back, and no more; and that windows of any size and shape are taken.
#include <gtest/gtest.h>

#include "dataplane/inspect/content.h"
#include "tests/unit/dataplane/inspect/corpus.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

class Hold : public ::testing::Test {
 protected:
  // Bytes held after each of the pieces, none of them the last.
  std::vector<std::size_t> held(const std::vector<TestRule>& rules, const std::vector<std::string_view>& pieces) {
    use(rules);
    std::vector<std::size_t> bytes;
    for (const std::string_view piece : pieces) {
      EXPECT_TRUE(stream_->feed(piece, false));
      EXPECT_EQ(stream_->broken(), "");
      bytes.push_back(stream_->held_bytes());
    }
    return bytes;
  }
  void use(const std::vector<TestRule>& rules) {
    set_ = rule_set_of(rules);
    ASSERT_TRUE(scratch_.grow_for(*set_));
    stream_ = std::make_unique<Stream>(*set_, scratch_);
  }
  [[nodiscard]] std::size_t found() const { return stream_->matches().size(); }

  std::unique_ptr<RuleSet> set_;
  Scratch scratch_;
  std::unique_ptr<Stream> stream_;
};

using Sizes = std::vector<std::size_t>;

TEST_F(Hold, NothingOfWhatCannotBecomeAMatch) {
  EXPECT_EQ(held(usual_rules(), {R"({"note":"north","amount":12.5})"}), Sizes{0});
}

TEST_F(Hold, FromTheFirstByteOfWhatMayBecomeAMatch) {
  EXPECT_EQ(held({card_rule()}, {"card: 41", "11 1111 ", "1111 1111", "\""}), (Sizes{2, 10, 19, 0}));
  EXPECT_EQ(found(), 1U);
}

TEST_F(Hold, UntilTheByteBehindTellsWhetherTheWordEnds) {
  EXPECT_EQ(held({ssn_rule()}, {"078-05-1120"}), Sizes{11});
  EXPECT_TRUE(stream_->feed("1", true));
  EXPECT_EQ(found(), 0U);
}

TEST_F(Hold, NotWhenNoByteBehindCouldChangeTheMatch) {
  EXPECT_EQ(held({aws_key_rule()}, {"AKIA0123456789ABCDEF"}), Sizes{0});
  EXPECT_EQ(found(), 1U);
}

TEST_F(Hold, NotAfterAByteThatMakesTheStartAWordsMiddle) {
  EXPECT_EQ(held({ssn_rule()}, {"x", "078", "-05"}), (Sizes{0, 0, 2}));
}

TEST_F(Hold, TheWholeMatchThatAnUndecidedOneOverlaps) {
  // "12-ab" is decided, but "ab" may become "ab34": it is released only with it.
  EXPECT_EQ(held({{.expression = "12-ab"}, {.expression = "ab\\d\\d"}}, {"x12-ab", "3", "4"}), (Sizes{5, 6, 0}));
  EXPECT_EQ(found(), 2U);
}

TEST_F(Hold, AnEmptyLastCallReleasesWhatIsHeld) {
  EXPECT_EQ(held({ssn_rule()}, {"078-05-1120"}), Sizes{11});
  EXPECT_TRUE(stream_->feed(std::vector<std::string_view>{}, true));
  EXPECT_EQ(stream_->held_bytes(), 0U);
  EXPECT_EQ(found(), 1U);
}

TEST_F(Hold, NothingOfAnEmptyContent) {
  use(usual_rules());
  EXPECT_TRUE(stream_->feed("", false));
  EXPECT_TRUE(stream_->feed("", true));
  EXPECT_EQ(stream_->broken(), "");
  EXPECT_EQ(found(), 0U);
}

// abcdabcd...: each match of one rule ends inside one of the other.
std::string chain(std::size_t bytes) {
  std::string content;
  while (content.size() < bytes) content += "abcd";
  return content;
}

TEST_F(Hold, AChainOfOverlappingMatchesIsReleasedTogether) {
  use({{.expression = "abcd"}, {.expression = "cdab"}});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(stream_->feed(chain(4096), false));
  EXPECT_EQ(stream_->held_bytes(), 40960U);
  ASSERT_TRUE(stream_->feed(" ", true));
  EXPECT_EQ(stream_->broken(), "");
  EXPECT_EQ(found(), 20479U);
}

TEST_F(Hold, AChainThatNeverEndsFailsTheScan) {
  use({{.expression = "abcd"}, {.expression = "cdab"}});
  std::size_t fed = 0;
  while (stream_->feed(chain(4096), false)) fed += 4096;
  EXPECT_EQ(stream_->code(), ErrorCode::scan_failed);
  EXPECT_EQ(fed, kMaxHeldBytes);
  EXPECT_EQ(stream_->broken(), "");
}

TEST_F(Hold, ScanningGoesOnBehindASection) {
  const std::string content = json_corpus(9, 3 * Content::kSectionBytes + 777, 200);
  use(usual_rules());
  ASSERT_TRUE(stream_->feed(content, true));
  EXPECT_EQ(stream_->broken(), "");
  EXPECT_GT(found(), 3000U);
  for (const std::size_t step : {std::size_t{1448}, std::size_t{65536}}) {
    Stream stepped(*set_, scratch_);
    for (std::size_t at = 0; at < content.size(); at += step) {
      ASSERT_TRUE(stepped.feed(std::string_view(content).substr(at, step), at + step >= content.size()));
    }
    EXPECT_EQ(stepped.broken(), "");
    EXPECT_EQ(stepped.matches(), stream_->matches()) << step;
  }
}

TEST_F(Hold, PiecesOfAnyNumberAndSizeAreTheSameContent) {
  const std::string content = json_corpus(10, 300'000, 100);
  use(usual_rules());
  ASSERT_TRUE(stream_->feed(content, true));
  for (const std::vector<std::size_t>& sizes : {Sizes{1}, Sizes{1, 600}, Sizes{511, 512, 513}, Sizes{3, 0, 20000}}) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0, i = 0; at < content.size(); at += pieces.back().size(), ++i) {
      pieces.push_back(std::string_view(content).substr(at, sizes[i % sizes.size()]));
    }
    Stream cut(*set_, scratch_);
    ASSERT_TRUE(cut.feed(pieces, true));
    EXPECT_EQ(cut.matches(), stream_->matches()) << sizes.front();
  }
}

TEST_F(Hold, ManyMatchesOfManyRulesDoNotOverflowAnything) {
  // More anchor ranges than there is room for: every byte is a match of one rule and a start of others.
  std::vector<TestRule> rules;
  for (int i = 0; i < 40; ++i) rules.push_back({.expression = "a" + std::to_string(i % 10) + "."});
  std::string content;
  for (int i = 0; content.size() < 30'000; ++i) content += "a" + std::to_string(i % 10) + "-    ";
  use(rules);
  ASSERT_TRUE(stream_->feed(content, true));
  EXPECT_EQ(stream_->broken(), "");
  EXPECT_EQ(found(), (content.size() / 7) * 4);
}

}  // namespace
}  // namespace sluice::inspect
