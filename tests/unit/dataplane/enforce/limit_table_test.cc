// Many keys in a table that is too small for them, asked by threads: no key gets more than its terms allow.
#include "dataplane/enforce/limit_table.h"

#include <gtest/gtest.h>

#include <barrier>
#include <map>

#include "tests/support/takers.h"

namespace sluice::enforce {
namespace {

constexpr std::uint64_t kLimit = 77;
const Terms kTenASecond(10, kSecond, 10);

// As a seeded hash would make it.
std::uint64_t key(std::uint64_t n) {
  return Random(n).next();
}

TEST(LimitTable, KeysHaveBucketsOfTheirOwn) {
  LimitTable table(4096);
  for (std::uint64_t n = 0; n < 500; ++n) {
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(table.take(key(n), kLimit, kTenASecond, kTenASecond.cost_of(1), kSecond).fits);
    const auto answer = table.take(key(n), kLimit, kTenASecond, kTenASecond.cost_of(1), kSecond);
    ASSERT_FALSE(answer.fits);
    ASSERT_FALSE(answer.overflow);
    ASSERT_EQ(answer.wait_ns, kSecond / 10);
  }
}

TEST(LimitTable, AnEntryWhoseTimeHasPassedIsGivenToOthers) {
  LimitTable table(64);
  TimeNs now = kSecond;
  for (std::uint64_t n = 0; n < 10'000; ++n, now += 60 * kMillisecond) {
    const auto answer = table.take(key(n), kLimit, kTenASecond, kTenASecond.cost_of(1), now);
    ASSERT_TRUE(answer.fits);
    ASSERT_FALSE(answer.overflow) << n;
  }
}

TEST(LimitTable, WhatDoesNotFitSharesOneBucketAndGetsNoMore) {
  LimitTable table(8);
  std::uint64_t shared = 0;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    const auto answer = table.take(key(n), kLimit, kTenASecond, kTenASecond.cost_of(1), kSecond);
    if (answer.overflow && answer.fits) ++shared;
    ASSERT_TRUE(answer.overflow || answer.fits);
  }
  EXPECT_EQ(shared, kTenASecond.burst());
  // Another limit's keys do not share with these.
  EXPECT_TRUE(table.take(key(2000), kLimit + 1, kTenASecond, kTenASecond.cost_of(1), kSecond).fits);
}

TEST(LimitTable, FlightsEndAndMakeRoom) {
  LimitTable table(64);
  std::vector<BucketWord*> words;
  for (int i = 0; i < 3; ++i) words.push_back(table.enter(key(1), kLimit, 3).word);
  EXPECT_FALSE(table.enter(key(1), kLimit, 3).fits);
  LimitTable::release(*words.back());
  EXPECT_TRUE(table.enter(key(1), kLimit, 3).fits);
}

TEST(LimitTable, AChargeIsTakenWhateverThereIs) {
  LimitTable table(64);
  EXPECT_TRUE(table.charge(key(1), kLimit, kTenASecond, 35, kSecond).fits);
  EXPECT_EQ(table.take(key(1), kLimit, kTenASecond, kTenASecond.cost_of(1), kSecond).wait_ns, 2600 * kMillisecond);
}

TEST(LimitTable, AChargeOfManyBurstsIsTheirSum) {
  LimitTable table(64);
  const Terms tiny(1, kMillisecond, 1);
  EXPECT_TRUE(table.charge(key(1), kLimit, tiny, 262'144, kSecond).fits);
  EXPECT_EQ(table.take(key(1), kLimit, tiny, tiny.cost_of(1), kSecond).wait_ns, 262'144 * kMillisecond);
}

TEST(LimitTable, SomeIsAsMuchAsThereIs) {
  LimitTable table(64);
  EXPECT_EQ(table.take_some(key(1), kLimit, kTenASecond, 7, 1, kSecond).units, 7U);
  EXPECT_EQ(table.take_some(key(1), kLimit, kTenASecond, 7, 2, kSecond).units, 3U);
  const auto none = table.take_some(key(1), kLimit, kTenASecond, 7, 2, kSecond);
  EXPECT_FALSE(none.fits);
  EXPECT_EQ(none.wait_ns, kSecond / 5);
}

// So few entries that keys come and go all the time, and the overflow word is in use.
TEST(LimitTable, NoKeyGetsMoreThanItsTermsFromAnyNumberOfThreads) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const std::size_t entries = seed % 3 == 0 ? 8 : 16;
    LimitTable table(entries);
    const std::uint64_t keys = 4 + seed % 20;
    const std::uint64_t burst = 1 + seed % 7;
    const Terms terms(1000, kSecond, burst);
    std::vector<std::map<std::uint64_t, std::vector<test::Take>>> taken(4);
    TimeNs clock = 1000 * kSecond;
    Random steps(seed);
    // Nobody is in the next round before all are.
    std::barrier round(static_cast<std::ptrdiff_t>(taken.size()), [&]() noexcept {
      clock += steps.chance(1, 10) ? steps.below(kSecond) : steps.below(kMillisecond);
    });
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < taken.size(); ++index)
      threads.emplace_back([&, index] {
        Random random(seed * 8 + index);
        for (int i = 0; i < 4000; ++i) {
          if (i % 20 == 0) round.arrive_and_wait();
          const std::uint64_t n = random.below(keys);
          const TimeNs now = clock + random.below(LimitTable::kSkew / (1 + random.below(100)));
          if (table.take(key(n), kLimit, terms, terms.cost_of(1), now).fits) taken[index][n].push_back({now, 1});
        }
      });
    for (std::thread& thread : threads) thread.join();
    std::uint64_t all = 0;
    for (std::uint64_t n = 0; n < keys; ++n) {
      std::vector<test::Take> of_key;
      for (const auto& one : taken)
        if (const auto found = one.find(n); found != one.end())
          of_key.insert(of_key.end(), found->second.begin(), found->second.end());
      std::ranges::sort(of_key, {}, &test::Take::now);
      ASSERT_EQ(test::excess(of_key, 1000, kSecond, burst), 0.0L) << "seed " << seed << " key " << n;
      all += of_key.size();
    }
    ASSERT_GT(all, 100U);
  }
}

TEST(LimitTable, NeverMoreInFlightThanTheMost) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    LimitTable table(8);
    constexpr std::uint64_t kKeys = 12;
    constexpr std::uint64_t kMost = 2;
    std::array<std::atomic<int>, kKeys> inside{};
    std::atomic<bool> exceeded{false};
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index < 4; ++index)
      threads.emplace_back([&, index] {
        Random random(seed * 8 + index);
        for (int i = 0; i < 4000; ++i) {
          const std::uint64_t n = random.below(kKeys);
          const auto answer = table.enter(key(n), kLimit, kMost);
          if (!answer.fits) continue;
          if (inside[n].fetch_add(1) >= static_cast<int>(kMost)) exceeded = true;
          inside[n].fetch_sub(1);
          LimitTable::release(*answer.word);
        }
      });
    for (std::thread& thread : threads) thread.join();
    ASSERT_FALSE(exceeded) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::enforce
