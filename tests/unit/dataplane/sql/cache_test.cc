#include "dataplane/sql/cache.h"

#include <gtest/gtest.h>

#include "common/random.h"

namespace sluice::sql {
namespace {

SharedFacts some_facts() {
  return std::make_shared<const Facts>();
}

TEST(SqlCache, WhatWasPutIsFound) {
  FactsCache cache(64);
  const SharedFacts facts = some_facts();
  EXPECT_EQ(cache.find({1, 2}), nullptr);
  EXPECT_EQ(cache.put({1, 2}, facts), nullptr);
  EXPECT_EQ(cache.find({1, 2}), facts.get());
  EXPECT_EQ(cache.find({1, 3}), nullptr) << "half a key is none";
  EXPECT_EQ(cache.find({0, 0}), nullptr) << "an empty place has no key";
}

TEST(SqlCache, ASecondAnswerTakesTheFirstOnesPlace) {
  FactsCache cache(64);
  const SharedFacts first = some_facts();
  const SharedFacts second = some_facts();
  cache.put({1, 2}, first);
  EXPECT_EQ(cache.put({1, 2}, second), first);
  EXPECT_EQ(cache.find({1, 2}), second.get());
  EXPECT_EQ(cache.size(), 1U);
}

TEST(SqlCache, IsBoundedAndGivesBackWhatMakesRoom) {
  FactsCache cache(64);
  Random random(1);
  std::size_t given_back = 0;
  for (std::uint64_t i = 0; i < 1000; ++i)
    if (cache.put({random.next(), i}, some_facts()) != nullptr) ++given_back;
  EXPECT_LE(cache.size(), 64U);
  EXPECT_EQ(given_back, 1000 - cache.size());
}

// All of one bucket, and far more than fit: who is asked for between any two others stays.
TEST(SqlCache, WhatIsAskedForStays) {
  FactsCache cache(8);
  const SharedFacts kept = some_facts();
  cache.put({0, 0}, kept);
  for (std::uint64_t i = 1; i < 100; ++i) {
    EXPECT_EQ(cache.find({0, 0}), kept.get()) << i;
    cache.put({0, i}, some_facts());
  }
  EXPECT_EQ(cache.find({0, 0}), kept.get());
  EXPECT_EQ(cache.find({0, 50}), nullptr);
}

}  // namespace
}  // namespace sluice::sql
