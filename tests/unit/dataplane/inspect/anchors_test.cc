// Where a rule's matches may start: whatever order ranges come in, they lie in order, apart, and hold every start that
// was told.
#include "dataplane/inspect/anchors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"

namespace sluice::inspect {
namespace {

std::vector<Anchors::Range> ranges_of(const Anchors& anchors, std::uint32_t rule) {
  std::vector<Anchors::Range> all;
  for (std::uint32_t at = anchors.first_range(rule); at != Anchors::kNone; at = anchors.range(at).next)
    all.push_back(anchors.range(at));
  return all;
}

bool is_within(const Anchors::Range& told, const std::vector<Anchors::Range>& all) {
  return std::ranges::any_of(all, [&](const Anchors::Range& range) {
    return range.first <= told.first && told.last <= range.last && range.first_end <= told.first_end;
  });
}

TEST(Anchors, ARangeThatComesLateIsNotPassedOver) {
  Anchors anchors;
  anchors.grow_for(1);
  anchors.add(0, {.first = 10, .last = 12, .first_end = 15});
  anchors.add(0, {.first = 40, .last = 44, .first_end = 50});
  anchors.add(0, {.first = 5, .last = 6, .first_end = 9});
  const std::vector<Anchors::Range> all = ranges_of(anchors, 0);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].first, 5U);
  EXPECT_EQ(all[0].last, 44U);
  EXPECT_EQ(all[0].first_end, 9U);
}

TEST(Anchors, InAnyOrderTheyLieInOrderAndHoldEveryStart) {
  Random random(1);
  for (int round = 0; round < 1'000; ++round) {
    Anchors anchors;
    anchors.grow_for(2);
    std::vector<Anchors::Range> told[2];
    std::uint32_t at = 0;
    for (std::uint64_t i = random.below(40); i > 0; --i) {
      at += static_cast<std::uint32_t>(random.below(20));
      const std::uint32_t first = at - std::min(at, static_cast<std::uint32_t>(random.below(50)));
      const auto last = static_cast<std::uint32_t>(first + random.below(10));
      const std::size_t rule = random.below(2);
      told[rule].push_back({.first = first, .last = last, .first_end = last + 5});
      anchors.add(static_cast<std::uint32_t>(rule), told[rule].back());
    }
    for (const std::uint32_t rule : {0U, 1U}) {
      const std::vector<Anchors::Range> all = ranges_of(anchors, rule);
      EXPECT_EQ(all.empty(), told[rule].empty());
      EXPECT_EQ(anchors.touched(rule), !all.empty());
      for (std::size_t i = 1; i < all.size(); ++i) EXPECT_GT(all[i].first, all[i - 1].last + 1);
      for (const Anchors::Range& range : told[rule]) EXPECT_TRUE(is_within(range, all));
    }
  }
}

}  // namespace
}  // namespace sluice::inspect
