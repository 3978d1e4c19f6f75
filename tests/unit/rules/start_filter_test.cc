// Wherever a match begins, or may yet begin, the filter says so, also where its repetitions were taken for endless; and
// it says no to what only looks like a beginning.
#include "rules/start_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <string>
#include <vector>

#include "common/random.h"

namespace sluice::rules {
namespace {

struct Both {
  explicit Both(std::string_view text)
      : expression(*parse_expression(text, false)),
        automaton(*Automaton::build(expression)),
        filter(*StartFilter::build(expression)) {}
  Expression expression;
  Automaton automaton;
  StartFilter filter;
};

std::vector<bool> marked(const StartFilter& filter, std::string_view text, bool complete, std::size_t from) {
  std::vector<std::uint64_t> bits((text.size() - from + 63) / 64);
  filter.mark(as_bytes(text), complete, from, bits);
  std::vector<bool> out;
  for (std::size_t i = 0; from + i < text.size(); ++i) out.push_back((bits[i / 64] >> i % 64 & 1U) != 0);
  return out;
}

std::string random_text(Random& random, std::size_t bytes) {
  static constexpr std::string_view kBytes = "aaabbn1.@- \\";
  std::string out(bytes, ' ');
  for (char& c : out) c = kBytes[random.below(kBytes.size())];
  return out;
}

TEST(StartFilter, leaves_out_no_start) {
  std::size_t starts = 0;
  for (const std::string_view text :
       {"[ab1.]{1,64}@(?:[ab1-]{1,63}\\.){1,4}[ab]{2,24}", "\\b[ab]{2,5}\\b", "a\\Bb{1,3}\\b1?", "(?:a|bn)[^b]{0,9}1",
        "\\b(?:[ab1]{3,200}\\.){2,3}[ab]{2,300}(?:[1-]{0,100}b)?", "n\\b-|\\bn1", "(?:a?){3}b",
        "(?:(?:a|b-){1,3}n?){1,9}@"}) {
    const Both rule(text);
    std::vector<std::uint32_t> ends(rule.automaton.max_width());
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      Random random(seed);
      const std::string content = random_text(random, 1 + random.below(200));
      const std::size_t from = random.below(content.size());
      const bool complete = random.chance(1, 2);
      const std::vector<bool> told = marked(rule.filter, content, complete, from);
      for (std::size_t at = from; at < content.size(); ++at) {
        const bool decided = rule.automaton.ends_from(as_bytes(content), at, complete, ends);
        if (decided && ends.empty()) continue;
        ++starts;
        ASSERT_TRUE(told[at - from]) << text << " seed " << seed << " at " << at << "\n" << content;
      }
    }
  }
  EXPECT_GT(starts, 3000U);
}

TEST(StartFilter, says_no_where_nothing_completes) {
  const std::string run(1000, 'a');
  const auto any = [](const std::vector<bool>& told) { return std::count(told.begin(), told.end(), true); };
  EXPECT_EQ(any(marked(Both("[a-z]{1,64}@[a-z]{2,9}").filter, run, true, 0)), 0);
  EXPECT_EQ(any(marked(Both("a[a-z.]{8,1000}@").filter, run + ".", true, 0)), 0);
  EXPECT_EQ(any(marked(Both("a[a-z]{8,100}@").filter, run + "@", true, 0)), 93);
  EXPECT_EQ(any(marked(Both("\\ba[a-z]{8,100}").filter, run, true, 0)), 1);
}

TEST(StartFilter, cannot_say_no_where_text_goes_on) {
  const std::string run(1000, 'a');
  const std::vector<bool> told = marked(Both("a[a-z]{8,100}@").filter, run, false, 0);
  EXPECT_EQ(std::count(told.begin(), told.end(), true), 101);
}

TEST(Reversed, is_read_from_its_end) {
  const Both rule("ab(?:cd|e){1,2}");
  const Expression backwards = reversed(rule.expression);
  const auto automaton = *Automaton::build(backwards);
  std::vector<std::uint32_t> ends(automaton.max_width());
  RunRoom room;
  EXPECT_TRUE(automaton.ends_from(as_bytes("dceba"), 0, true, ends, room));
  EXPECT_EQ(ends, std::vector<std::uint32_t>{5});
  EXPECT_EQ(room.lookups, 5U);
}

}  // namespace
}  // namespace sluice::rules
