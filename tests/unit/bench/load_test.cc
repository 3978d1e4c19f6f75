// The maths of the load bench: percentiles within their precision, mixes, arrivals that no stall moves.
#include <gtest/gtest.h>

#include "bench/load/histogram.h"
#include "bench/load/plan.h"

namespace sluice::bench {
namespace {

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile(0.50), 50U);
  EXPECT_EQ(histogram.percentile(0.99), 99U);
  EXPECT_EQ(histogram.percentile(1.0), 100U);
}

TEST(Histogram, EveryValueIsKnownToOneIn64) {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 62); value += value / 4 + 1) {
    Histogram histogram;
    histogram.add(value);
    histogram.add(~std::uint64_t{0});  // so that the greatest value does not cut the bucket's end
    const std::uint64_t found = histogram.percentile(0.5);
    EXPECT_GE(found, value);
    EXPECT_LE(found - value, value / 64);
  }
}

TEST(Histogram, TheGreatestValueAndNone) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.99), 0U);
  histogram.add(1'000'003);
  EXPECT_EQ(histogram.percentile(0.5), 1'000'003U);
  histogram.add(~std::uint64_t{0});
  EXPECT_EQ(histogram.max(), ~std::uint64_t{0});
  EXPECT_EQ(histogram.percentile(1.0), ~std::uint64_t{0});
}

TEST(Mix, SizesAndWeights) {
  const auto mix = parse_mix("1k:80,64k:18,1m:2,700");
  ASSERT_TRUE(mix);
  ASSERT_EQ(mix->size(), 4U);
  EXPECT_EQ((*mix)[1].bytes, 65536U);
  EXPECT_EQ((*mix)[2].bytes, 1048576U);
  EXPECT_EQ((*mix)[2].weight, 2U);
  EXPECT_EQ((*mix)[3].bytes, 700U);
}

TEST(Mix, WhatIsNoMix) {
  for (const char* text :
       {"", "k", "1k:", "1k:0", "0:1", "1k,", "65m", "1g", "1k:80;2k", "-1", "18446744073709551615k"})
    EXPECT_FALSE(parse_mix(text)) << text;
}

TEST(Mix, WeightsAreKept) {
  MixChoice choice({{1024, 80}, {65536, 20}}, 1);
  int large = 0;
  for (int i = 0; i < 100'000; ++i) large += choice.next() == 1 ? 1 : 0;
  EXPECT_NEAR(large, 20'000, 1000);
}

TEST(Arrivals, ConstantOnesDoNotDrift) {
  Arrivals arrivals(3, false, 100, 1);
  for (int i = 0; i < 3'000'000; ++i) arrivals.advance();
  EXPECT_NEAR(double(arrivals.next()), double(1'000'000 * kSecond + 100), double(kMillisecond));
}

TEST(Arrivals, PoissonOnesHaveTheirRateAndSpread) {
  Arrivals arrivals(1000, true, 0, 7);
  int gaps_above_mean = 0;
  for (int i = 0; i < 100'000; ++i) {
    const TimeNs before = arrivals.next();
    arrivals.advance();
    gaps_above_mean += arrivals.next() - before > kMillisecond ? 1 : 0;
  }
  EXPECT_NEAR(double(arrivals.next()), 100.0 * double(kSecond), double(kSecond) * 2);
  EXPECT_NEAR(gaps_above_mean, 36'788, 1000);  // 1/e
}

}  // namespace
}  // namespace sluice::bench
