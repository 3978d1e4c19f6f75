// What callers do is worth points when it is not what they usually do, or more than a policy says; and a table of fixed
// size forgets those that were seen least recently.
#include "dataplane/enforce/behaviours.h"

#include <gtest/gtest.h>

namespace sluice::enforce {
namespace {

constexpr DurationNs kInterval = 10 * kSecond;
constexpr std::uint64_t kHome = 0x0a000041;

struct Bed {
  explicit Bed(BehaviourKind looked_for, std::uint64_t above, std::uint64_t factor, std::size_t entries = 256)
      : behaviours({1, 2}, entries), kind(looked_for) {
    risk.interval = kInterval;
    risk.has_behaviours = true;
    risk.behaviours[static_cast<std::size_t>(kind)] = {.score = 30, .above = above, .factor = factor};
  }
  std::uint32_t begin(std::uint64_t source = kHome) {
    const BehaviourPoints points = behaviours.begin(risk, who, source, now);
    for (std::size_t i = 0; i < kBehaviours; ++i)
      EXPECT_TRUE(points[i] == 0 || i == static_cast<std::size_t>(kind)) << i;
    return points[static_cast<std::size_t>(kind)];
  }
  void request(std::uint64_t bytes = 0, std::uint32_t stream = 0) {
    behaviours.end_request(risk, who, bytes, stream, now);
  }
  void answer(std::uint64_t bytes, bool failed = false) {
    behaviours.end_response(risk, who, bytes, true, failed, now);
  }
  // So many requests, evenly over an interval; how many of them were scored.
  std::uint32_t spend(std::uint32_t requests) {
    std::uint32_t scored = 0;
    for (std::uint32_t i = 0; i < requests; ++i) {
      scored += begin() != 0 ? 1 : 0;
      now += kInterval / requests;
    }
    now += kInterval % requests;
    return scored;
  }

  Behaviours behaviours;
  Risk risk;
  BehaviourKind kind;
  Behaviours::Who who{.caller = 0x1234567890, .declared = true};
  TimeNs now = 1000 * kSecond;
};

TEST(Behaviours, MoreThanSoManyTimesTheUsualIsScored) {
  Bed bed(BehaviourKind::requests, 50, 5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bed.spend(20), 0U);
  EXPECT_EQ(bed.spend(90), 0U);  // not five times as many
  EXPECT_EQ(bed.spend(20), 0U);
  const std::uint32_t scored = bed.spend(400);
  EXPECT_GT(scored, 250U);
  EXPECT_LT(scored, 320U);
}

TEST(Behaviours, ASmallNumberIsNotScoredHoweverUnusual) {
  Bed bed(BehaviourKind::requests, 50, 5);
  for (int i = 0; i < 10; ++i) bed.spend(1);
  EXPECT_EQ(bed.spend(40), 0U);
}

TEST(Behaviours, NothingIsUnusualOfWhoIsNotKnown) {
  Bed bed(BehaviourKind::requests, 50, 5);
  for (std::uint32_t i = 0; i < Behaviours::kLearned - 1; ++i) bed.spend(2);
  EXPECT_EQ(bed.spend(1000), 0U);
}

TEST(Behaviours, WhoRunsAwayDoesNotSoonCountAsUsual) {
  Bed bed(BehaviourKind::requests, 50, 5);
  for (int i = 0; i < 10; ++i) bed.spend(20);
  bed.spend(2000);  // the window slides over it
  for (int i = 0; i < 12; ++i) EXPECT_EQ(bed.spend(2000), 2000U) << i;
  // But some day it does.
  std::uint32_t scored = 2000;
  for (int i = 0; i < 100 && scored != 0; ++i) scored = bed.spend(2000);
  EXPECT_EQ(scored, 0U);
}

TEST(Behaviours, WhatIsUsualIsNotForgottenOverNight) {
  Bed bed(BehaviourKind::requests, 50, 5);
  for (int i = 0; i < 10; ++i) bed.spend(100);
  bed.now += 14 * 3600 * kSecond;
  EXPECT_EQ(bed.spend(400), 0U);
}

TEST(Behaviours, BytesBothWaysHaveAUsualOfTheirOwn) {
  Bed bed(BehaviourKind::bytes, 1'000'000, 4);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(bed.begin(), 0U);
    bed.request(200'000);
    bed.answer(300'000);
    bed.now += kInterval;
  }
  bed.now += kInterval;
  bed.begin();
  bed.answer(1'900'000);
  EXPECT_EQ(bed.begin(), 0U);
  bed.request(600'000);
  EXPECT_EQ(bed.begin(), 30U);
}

TEST(Behaviours, ManySmallPiecesOfOneStreamAreScored) {
  Bed bed(BehaviourKind::pieces, 10, 4096);
  const std::uint32_t upload = bed.behaviours.stream_of("/upload/part-1");
  EXPECT_EQ(bed.behaviours.stream_of("/upload/part-2"), upload);
  EXPECT_NE(bed.behaviours.stream_of("/uploads/part-2"), upload);
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(bed.begin(), 0U) << i;
    bed.request(1024, upload);
  }
  EXPECT_EQ(bed.begin(), 30U);
  bed.now += 3 * kInterval;
  EXPECT_EQ(bed.begin(), 0U);
  // Large ones, ones without a body, and those of many folders are none.
  for (std::uint32_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(bed.begin(), 0U);
    bed.request(4097, upload);
    bed.request(0, upload);
    bed.request(100, bed.behaviours.stream_of("/" + std::to_string(i) + "/x"));
  }
}

TEST(Behaviours, AStreamIsSeenAmongOthers) {
  Bed bed(BehaviourKind::pieces, 40, 4096);
  const std::uint32_t upload = bed.behaviours.stream_of("/upload/x");
  std::uint32_t scored = 0;
  for (std::uint32_t i = 0; i < 300; ++i) {
    scored += bed.begin() != 0 ? 1 : 0;
    bed.request(1000, i % 2 == 0 ? upload : bed.behaviours.stream_of("/" + std::to_string(i) + "/x"));
  }
  EXPECT_GT(scored, 100U);
}

TEST(Behaviours, ManyErrorsAmongTheAnswersAreScored) {
  Bed bed(BehaviourKind::errors, 5, 50);
  for (int i = 0; i < 100; ++i) bed.answer(10);
  bed.begin();
  for (int i = 0; i < 10; ++i) bed.answer(10);
  for (int i = 0; i < 9; ++i) bed.answer(10, true);
  EXPECT_EQ(bed.begin(), 0U);  // 9 of 19
  bed.answer(10, true);
  bed.answer(10, true);
  EXPECT_EQ(bed.begin(), 30U);
  Bed few(BehaviourKind::errors, 5, 50);
  few.begin();
  for (int i = 0; i < 5; ++i) few.answer(10, true);
  EXPECT_EQ(few.begin(), 0U);
}

TEST(Behaviours, MuchThatGoesOutIsScored) {
  Bed bed(BehaviourKind::bytes_out, 1'000'000, 0);
  bed.begin();
  bed.request(5'000'000);
  bed.answer(1'000'000);
  EXPECT_EQ(bed.begin(), 0U);
  bed.answer(1);
  EXPECT_EQ(bed.begin(), 30U);
  bed.now += kInterval / 2 + kInterval;  // half of it is older than an interval
  EXPECT_EQ(bed.begin(), 0U);
}

TEST(Behaviours, AnAddressIsNewForAWhileOfWhoIsKnown) {
  Bed bed(BehaviourKind::new_source, 0, 3600 * kSecond);
  EXPECT_EQ(bed.begin(kHome), 0U);
  EXPECT_EQ(bed.begin(kHome + 1), 0U);  // who calls from where is being learned
  for (int i = 0; i < 10; ++i) bed.spend(1);
  EXPECT_EQ(bed.begin(kHome + 1), 0U);
  EXPECT_EQ(bed.begin(0x0a0000ff), 30U);
  EXPECT_EQ(bed.begin(kHome), 0U);
  bed.now += 3000 * kSecond;
  EXPECT_EQ(bed.begin(0x0a0000ff), 30U);
  bed.now += 601 * kSecond;
  EXPECT_EQ(bed.begin(0x0a0000ff), 0U);
}

TEST(Behaviours, NewAddressesDoNotMakeAKnownOneNew) {
  Bed bed(BehaviourKind::new_source, 0, 3600 * kSecond);
  for (int i = 0; i < 10; ++i) bed.spend(1);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(bed.begin(0x0b000000 + i), 30U) << i;
  EXPECT_EQ(bed.begin(kHome), 0U);
}

// A name that callers give themselves: whoever uses it too is scored, not the one who is known by it.
TEST(Behaviours, AGivenNameFromElsewhereIsUnusualOfWhoComesFromThere) {
  Bed bed(BehaviourKind::new_source, 0, 3600 * kSecond, 1024);
  const Behaviours::Who home{.caller = 0x1111110, .name = 0x5555550};
  const auto comes_from_elsewhere = [&](std::uint64_t i) {
    bed.who = {.caller = (i + 1) * 0x9e3779b97f4a7c15, .name = home.name};
    bed.now += kMillisecond;
    return bed.begin(0x0b000000 + i);
  };
  bed.who = home;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bed.spend(2), 0U);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(comes_from_elsewhere(i), 30U) << i;
  bed.who = home;
  EXPECT_EQ(bed.begin(), 0U);
  // However long and from wherever they go on: who is known by himself stays so.
  for (int hour = 0; hour < 5; ++hour) {
    for (std::uint64_t i = 0; i < 20; ++i) comes_from_elsewhere(i);
    bed.now += 3600 * kSecond;
  }
  bed.who = home;
  EXPECT_EQ(bed.begin(), 0U);
}

TEST(Behaviours, NamesThatCallersMakeUpDoNotMakeItForgetDeclaredOnes) {
  Bed bed(BehaviourKind::requests, 50, 5, 16);
  const Behaviours::Who known = bed.who;
  for (int i = 0; i < 10; ++i) bed.spend(20);
  for (std::uint64_t i = 1; i < 10'000; ++i) {
    bed.who = {.caller = i * 0x9e3779b97f4a7c15, .declared = false};
    bed.begin();
  }
  bed.who = known;
  bed.now += kInterval;
  EXPECT_GT(bed.spend(400), 200U);
}

TEST(Behaviours, WhoWasSeenLeastRecentlyGivesWay) {
  Bed bed(BehaviourKind::bytes_out, 100, 0, 4);  // one set
  const auto use = [&](std::uint64_t caller) {
    bed.who = {.caller = caller << 1U, .declared = true};
    const std::uint32_t points = bed.begin();
    bed.answer(101);
    bed.now += kMillisecond;
    return points;
  };
  for (std::uint64_t caller = 1; caller <= 4; ++caller) EXPECT_EQ(use(caller), 0U);
  EXPECT_EQ(use(1), 30U);
  EXPECT_EQ(use(5), 0U);  // takes the place of 2
  EXPECT_EQ(use(1), 30U);
  EXPECT_EQ(use(3), 30U);
  EXPECT_EQ(use(2), 0U);
}

}  // namespace
}  // namespace sluice::enforce
