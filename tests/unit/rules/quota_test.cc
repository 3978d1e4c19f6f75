// How much of a class every match holds, and that a match which holds no more exists.
#include "rules/quota.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/random.h"
#include "rules/anchor.h"

namespace sluice::rules {
namespace {

Automaton automaton_of(std::string_view text) {
  const auto expression = parse_expression(text, false);
  EXPECT_TRUE(expression) << text;
  return *Automaton::build(*expression);
}

std::uint32_t least_digits(std::string_view text) {
  return automaton_of(text).least_of(byte_range('0', '9'));
}

TEST(Quota, IsTheLeastOfAllWaysToAnEnd) {
  EXPECT_EQ(least_digits("[0-9]{3}"), 3U);
  EXPECT_EQ(least_digits("[0-9]{3,9}x"), 3U);
  EXPECT_EQ(least_digits("[0-9a]{3}"), 0U);
  EXPECT_EQ(least_digits("(?:[0-9]{5}|x[0-9]{2}|abc[0-9]{4})"), 2U);
  EXPECT_EQ(least_digits("1(?:-?[0-9]){4,9}"), 5U);
  EXPECT_EQ(least_digits("\\b[0-9]{1,5}\\b"), 1U);
  EXPECT_EQ(least_digits("a[0-9]{2}(?:[0-9]{2})?b"), 2U);
}

TEST(Quota, OfACardIsItsDigits) {
  const Quota quota = quota_of(automaton_of("\\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\\b"));
  EXPECT_EQ(quota.least, 13U);
  EXPECT_EQ(quota.of, byte_range('0', '9'));
  EXPECT_EQ(quota.within, byte_range('0', '9') | single_byte(' ') | single_byte('-'));
}

TEST(Quota, IsNoneWhereTheShapeTellsAsMuch) {
  EXPECT_EQ(quota_of(automaton_of("[0-9]{3}-[0-9]{2}-[0-9]{4}")).least, 0U);
  EXPECT_EQ(quota_of(automaton_of("[a-z%]{4,20}")).least, 0U);
}

// Of random texts, each match of each expression holds it; so every start of one is left.
TEST(Quota, IsHeldByEveryMatch) {
  Random random(1);
  for (const char* const text :
       {"\\b[2-6][0-9]{3}(?:[ -]?[0-9]){9,15}\\b", "[a-c](?:[-.]?[0-9a]){4}", "(?:1-|2-2-|33)[0-9 ]{2}1",
        "\\+?[1-3](?:[ .-]?[0-9]){4,6}", "[0-9-]{2,4}[.][0-9]{1,3}"}) {
    const Automaton automaton = automaton_of(text);
    const Quota quota = quota_of(automaton);
    std::size_t matches = 0;
    std::vector<std::uint32_t> ends;
    ends.reserve(automaton.max_width() + 1);
    for (int round = 0; round < 4000; ++round) {
      std::string bytes;
      for (std::size_t i = random.below(30); i > 0; --i) bytes += "0123456789a-- ."[random.below(15)];
      for (std::size_t start = 0; start < bytes.size(); ++start) {
        ASSERT_TRUE(automaton.ends_from(as_bytes(bytes), start, true, ends));
        for (const std::uint32_t end : ends) {
          std::uint32_t held = 0;
          for (std::size_t at = start; at < end; ++at) {
            const auto byte = static_cast<std::uint8_t>(bytes[at]);
            ASSERT_TRUE(quota.least == 0 || quota.within[byte]) << text << " in " << bytes;
            held += quota.of[byte] ? 1 : 0;
          }
          ASSERT_GE(held, quota.least) << text << " in " << bytes;
          ++matches;
        }
      }
    }
    EXPECT_GT(matches, 0U) << text;
  }
}

}  // namespace
}  // namespace sluice::rules
