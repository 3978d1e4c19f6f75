// Runs of bytes that are counted at once lead where they lead byte by byte, and a run is counted once for all starts
// that come through it.
#include "rules/lanes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "rules/automaton.h"

namespace sluice::rules {
namespace {

Automaton automaton_of(std::string_view expression) {
  return *Automaton::build(*parse_expression(expression, false));
}

std::string random_text(Random& random) {
  std::string out;
  while (out.size() < 400) {
    out.append(random.below(random.chance(1, 3) ? 150 : 8), "ab1-"[random.below(4)]);
    out += "xy.-a"[random.below(5)];
  }
  return out;
}

bool is_in(std::string_view set, char c) {
  return set.find(c) != set.npos;
}

// x[ab1x-]{40,90}(?:y|\.[a]{0,60}y), as it is read.
std::vector<std::uint32_t> ends_as_read(std::string_view text, std::size_t start) {
  std::vector<std::uint32_t> ends;
  if (text[start] != 'x') return ends;
  for (std::size_t at = start + 1; at - start - 1 <= 90 && at < text.size(); ++at) {
    if (at - start - 1 >= 40) {
      if (text[at] == 'y') ends.push_back(static_cast<std::uint32_t>(at + 1));
      if (text[at] == '.') {
        std::size_t end = at + 1;
        while (end < text.size() && end - at <= 60 && text[end] == 'a') ++end;
        if (end < text.size() && text[end] == 'y') ends.push_back(static_cast<std::uint32_t>(end + 1));
      }
    }
    if (!is_in("ab1x-", text[at])) break;
  }
  return ends;
}

TEST(Lanes, LeadWhereTheirBytesLead) {
  const Automaton automaton = automaton_of(R"(x[ab1x-]{40,90}(?:y|\.a{0,60}y))");
  std::vector<std::uint32_t> ends;
  ends.reserve(automaton.max_width());
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    const std::string text = random_text(random);
    RunRoom room;
    for (std::size_t start = 0; start < text.size(); ++start) {
      const std::vector<std::uint32_t> expected = ends_as_read(text, start);
      found += expected.size();
      ASSERT_TRUE(automaton.ends_from(as_bytes(text), start, true, ends, room));
      ASSERT_EQ(ends, expected) << "seed " << seed << " at " << start << "\n" << text;
      ASSERT_TRUE(automaton.ends_from(as_bytes(text), start, true, ends));
      ASSERT_EQ(ends, expected) << "seed " << seed << " at " << start << "\n" << text;
    }
  }
  EXPECT_GT(found, 300U);
}

// What is remembered holds in another view of the same content, and not in another content.
TEST(Lanes, AreRememberedByThePlaceInTheContent) {
  const Automaton automaton = automaton_of("x[a-y]{10,900}z");
  std::vector<std::uint32_t> ends;
  ends.reserve(automaton.max_width());
  const std::string text = std::string(300, 'x') + "z";
  RunRoom room;
  for (const std::size_t begin : {0U, 100U, 40U, 280U}) {
    room.set_begin(begin);
    EXPECT_TRUE(automaton.ends_from(as_bytes(std::string_view(text).substr(begin)), 0, true, ends, room));
    EXPECT_EQ(ends, std::vector<std::uint32_t>{static_cast<std::uint32_t>(text.size() - begin)});
  }
  std::string other = text;
  other[9] = '0';  // behind the first few, which are read one by one
  room.forget();
  room.set_begin(0);
  EXPECT_TRUE(automaton.ends_from(as_bytes(other), 0, true, ends, room));
  EXPECT_TRUE(ends.empty());
}

TEST(Lanes, AreOpenWhereTextGoesOn) {
  const Automaton automaton = automaton_of("x[a-y]{10,900}z");
  std::vector<std::uint32_t> ends;
  ends.reserve(automaton.max_width());
  EXPECT_FALSE(automaton.ends_from(as_bytes(std::string(901, 'x')), 0, false, ends));
  EXPECT_TRUE(automaton.ends_from(as_bytes(std::string(902, 'x')), 0, false, ends));
  EXPECT_TRUE(automaton.ends_from(as_bytes(std::string(901, 'x')), 0, true, ends));
  EXPECT_TRUE(ends.empty());
}

TEST(Lanes, CostOneLookForAllStartsThatComeThroughThem) {
  const Automaton automaton = automaton_of("x[a-y]{10,900}z");
  std::vector<std::uint32_t> ends;
  ends.reserve(automaton.max_width());
  const std::string text(20'000, 'x');
  RunRoom room;
  for (std::size_t start = 0; start < text.size(); ++start) {
    EXPECT_TRUE(automaton.ends_from(as_bytes(text), start, true, ends, room));
    EXPECT_TRUE(ends.empty());
  }
  EXPECT_LE(room.lookups, 7 * text.size());  // each start reads 900 bytes
}

// As many looks as the bytes of a run ask for, however short the run: what starts in vain cost is counted by them.
TEST(Lanes, CountEveryLook) {
  const Automaton automaton = automaton_of("x[a-y]{10,900}z");
  std::vector<std::uint32_t> ends;
  ends.reserve(automaton.max_width());
  const auto lookups = [&](std::size_t run) {
    RunRoom room;
    EXPECT_TRUE(automaton.ends_from(as_bytes("x" + std::string(run, 'a') + "0"), 0, true, ends, room));
    return room.lookups;
  };
  // x leads into the lane, where all of the run is counted; the byte that ends the run is looked up, too.
  EXPECT_EQ(lookups(1), 1U + 2 + 1);
  EXPECT_EQ(lookups(4), 1U + 5 + 1);
  EXPECT_EQ(lookups(7), 1U + 8 + 1);
  EXPECT_EQ(lookups(10), 1U + 9 + 1);
  EXPECT_EQ(lookups(39), 1U + 9 + 1);
  EXPECT_EQ(lookups(40), 1U + 10 + 1);
  EXPECT_EQ(lookups(71), 1U + 10 + 1);
  EXPECT_EQ(lookups(72), 1U + 11 + 1);
}

}  // namespace
}  // namespace sluice::rules
