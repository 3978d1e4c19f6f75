// Text that repeats itself is passed over, and what stands in it is found all the same.
#include "dataplane/inspect/repeats.h"

#include <gtest/gtest.h>

#include <string>

#include "common/random.h"
#include "tests/unit/dataplane/inspect/stream.h"
#include "tests/unit/dataplane/inspect/test_rules.h"

namespace sluice::inspect {
namespace {

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += unit;
  out.resize(bytes);
  return out;
}

TEST(Repeats, AreFoundToTheEndOfTheContent) {
  const std::string text = "begin" + repeated("abc", 3000);
  Content content;
  content.append(as_bytes(text));
  const auto repeat = find_repeat(content, 0);
  ASSERT_TRUE(repeat);
  EXPECT_LE(repeat->from, 5 + repeat->period + 2 * kAnchorSight);
  EXPECT_EQ(repeat->to, content.length());
  EXPECT_FALSE(find_repeat(content, repeat->to));
}

TEST(Repeats, SeeTheSameOnBothSidesOfEachPlace) {
  std::size_t repeats = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::string text;
    while (text.size() < 40'000) {
      std::string unit;
      for (std::uint64_t n = 1 + random.below(6); n > 0; --n) unit += "ab1."[random.below(4)];
      text += repeated(unit, random.below(random.chance(1, 2) ? 500 : 12'000));
    }
    Content content;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(text.size() - at, 1 + random.below(30'000));
      content.append(as_bytes(std::string_view(text).substr(at, size)));
      at += size;
    }
    std::uint32_t after = 0;
    while (const auto repeat = find_repeat(content, after)) {
      ++repeats;
      ASSERT_GE(repeat->from, after + repeat->period + kAnchorSight);
      ASSERT_GT(repeat->to, repeat->from);
      const std::size_t begin = repeat->from - kAnchorSight;
      const std::size_t end = std::min<std::size_t>(text.size(), repeat->to + kAnchorSight);
      ASSERT_EQ(text.substr(begin, end - begin), text.substr(begin - repeat->period, end - begin)) << "seed " << seed;
      after = repeat->to;
    }
  }
  EXPECT_GT(repeats, 300U);
}

// The same rules as patterns know nothing of repeats.
TEST(Repeats, HideNoMatch) {
  const auto rules = rule_set_of(usual_rules());
  const auto patterns = rule_set_of(usual_rules(), rules::Anchoring::patterns);
  Scratch scratch;
  Scratch of_patterns;
  ASSERT_TRUE(scratch.grow_for(*rules) && of_patterns.grow_for(*patterns));
  constexpr std::string_view kUnits[] = {"1",           "a.", "@", "4111 ", "1-", "ab1", " ", "joe@example.com, ",
                                         "219-09-9999 "};
  constexpr std::string_view kFound[] = {
      "joe@example.com", " 4111 1111 1111 1111 ", "219-09-9999", "AKIAABCDEFGHIJKLMNOP", "10.0.0.1", "@", ".com",
      "1111 1111 1111"};
  std::size_t matches = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    std::string text;
    const std::size_t bytes = random.chance(1, 4) ? 50'000 : 6000;
    while (text.size() < bytes) {
      text += repeated(kUnits[random.below(std::size(kUnits))], random.below(bytes / 2));
      if (random.chance(2, 3)) text += kFound[random.below(std::size(kFound))];
    }
    std::vector<std::size_t> cuts;
    for (std::size_t cut = random.below(3000); cut < text.size(); cut += 1 + random.below(3000)) cuts.push_back(cut);
    const std::vector<Match> expected = scan_cut(*patterns, of_patterns, text, {});
    matches += expected.size();
    ASSERT_EQ(scan_cut(*rules, scratch, text, {}), expected) << "seed " << seed;
    ASSERT_EQ(scan_cut(*rules, scratch, text, cuts), expected) << "seed " << seed;
  }
  EXPECT_GT(matches, 300U);
}

// What is no start before the end of the content may be one there: the rest of the card comes with the next bytes.
TEST(Repeats, HideNoMatchThatGoesOnBehindTheContent) {
  const std::vector<TestRule> card = {{R"(\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\b)", false, Validator::luhn}};
  const auto rules = rule_set_of(card);
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*rules));
  const std::string text = repeated("4111 1111 1111 .....", 1200) + "4111 1111 1111 1111 ";
  const std::vector<Match> expected = scan_cut(*rules, scratch, text, {});
  ASSERT_EQ(expected.size(), 1U);
  for (std::size_t cut = text.size() - 40; cut < text.size(); ++cut)
    ASSERT_EQ(scan_cut(*rules, scratch, text, {cut}), expected) << cut;
}

// Whether a match holds enough is seen farther behind its start than its shape.
TEST(Repeats, HideNoMatchThatDiffersFarBehindItsStart) {
  const std::vector<TestRule> spaced = {{R"(\b[0-9]{4}[ -]{0,40}[0-9]{12}\b)", false, Validator::none}};
  const auto rules = rule_set_of(spaced);
  Scratch scratch;
  ASSERT_TRUE(scratch.grow_for(*rules));
  const std::string begin = "1234" + std::string(40, ' ');
  const std::string text = repeated(begin + std::string(16, '.'), 1200) + begin + "123456789012";
  ASSERT_EQ(scan_cut(*rules, scratch, text, {}).size(), 1U);
}

}  // namespace
}  // namespace sluice::inspect
