// What a bucket gives: never more than rate × t + burst in any stretch of time, and all of that.
#include "dataplane/enforce/bucket.h"

#include <gtest/gtest.h>

#include "tests/support/takers.h"

namespace sluice::enforce {
namespace {

TEST(Bucket, GivesItsBurstAtOnceAndThenTheRate) {
  for (const auto& [units, period, burst] : {std::tuple{200ULL, kSecond, 400ULL},
                                             {3ULL, kSecond, 3ULL},
                                             {7ULL, 60 * kSecond, 1ULL},
                                             {1000ULL, 3600 * kSecond, 5ULL}}) {
    const Terms terms(units, period, burst);
    BucketWord word{0};
    const TimeNs begin = 5000 * kSecond;
    std::uint64_t taken = 0;
    while (take(word, terms, terms.cost_of(1), begin).fits) ++taken;
    EXPECT_EQ(taken, burst);
    // One comes back each 1/rate, not earlier.
    const DurationNs each = take(word, terms, terms.cost_of(1), begin).wait_ns;
    EXPECT_EQ(each, (period + units - 1) / units);
    EXPECT_FALSE(take(word, terms, terms.cost_of(1), begin + each - 1).fits);
    EXPECT_TRUE(take(word, terms, terms.cost_of(1), begin + each).fits);
    EXPECT_FALSE(take(word, terms, terms.cost_of(1), begin + each).fits);
  }
}

TEST(Bucket, ARefusedAttemptTakesNothing) {
  const Terms terms(10, kSecond, 10);
  BucketWord word{0};
  ASSERT_TRUE(take(word, terms, terms.cost_of(8), kSecond).fits);
  const std::uint64_t before = word.load();
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(take(word, terms, terms.cost_of(3), kSecond).fits);
  EXPECT_EQ(word.load(), before);
  EXPECT_TRUE(take(word, terms, terms.cost_of(2), kSecond).fits);
}

TEST(Bucket, SaysWhenItWouldFit) {
  const Terms terms(10, kSecond, 10);
  BucketWord word{0};
  ASSERT_TRUE(take(word, terms, terms.cost_of(10), kSecond).fits);
  const BucketAnswer answer = take(word, terms, terms.cost_of(4), kSecond);
  EXPECT_EQ(answer.wait_ns, 400 * kMillisecond);
  EXPECT_FALSE(take(word, terms, terms.cost_of(4), kSecond + answer.wait_ns - 1).fits);
  EXPECT_TRUE(take(word, terms, terms.cost_of(4), kSecond + answer.wait_ns).fits);
}

TEST(Bucket, MoreThanItHoldsNeverFits) {
  const Terms terms(1'000'000'000, kSecond, 1000);
  BucketWord word{0};
  EXPECT_FALSE(take(word, terms, terms.cost_of(1001), kSecond).fits);
  EXPECT_FALSE(take(word, terms, terms.cost_of(~0ULL), kSecond).fits);
  EXPECT_TRUE(take(word, terms, terms.cost_of(1000), kSecond).fits);
}

TEST(Bucket, WhatIsGivenBackIsThereAgain) {
  const Terms terms(10, kSecond, 2);
  BucketWord word{0};
  ASSERT_TRUE(take(word, terms, terms.cost_of(2), kSecond).fits);
  give_back(word, terms.cost_of(1));
  EXPECT_TRUE(take(word, terms, terms.cost_of(1), kSecond).fits);
  EXPECT_FALSE(take(word, terms, terms.cost_of(1), kSecond).fits);
}

TEST(Bucket, TermsAtTheirBoundsStayInside) {
  const Terms slow(1, 3600 * kSecond, 8784);  // a year
  EXPECT_EQ(slow.capacity_ns(), 8784 * 3600 * kSecond);
  const Terms fast(1ULL << 40U, kSecond, 1ULL << 40U);
  EXPECT_EQ(fast.cost_of(1), 1U);
  EXPECT_EQ(fast.capacity_ns(), kSecond);
  EXPECT_LE(fast.units_in(kSecond), 1ULL << 40U);
}

// Seeded sequences, and real threads: no stretch of time has more than the bound.
TEST(Bucket, NoStretchOfTimeHasMoreThanRateTimesTimePlusBurst) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const std::uint64_t units = 1 + random.below(random.chance(1, 2) ? 1000 : 2'000'000'000);
    const std::uint64_t burst = 1 + random.below(units);
    const Terms terms(units, kSecond, burst);
    BucketWord word{0};
    const std::uint64_t most = 1 + random.below(burst);
    const auto taken = test::take_in_threads(
        1 + random.below(4), 2000, seed, terms, most,
        [&](std::uint64_t n, TimeNs now) { return take(word, terms, terms.cost_of(n), now).fits; });
    ASSERT_EQ(test::excess(taken, units, kSecond, burst), 0.0L) << "seed " << seed;
    ASSERT_FALSE(taken.empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::enforce
