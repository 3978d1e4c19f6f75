// When a worker that finds nothing rests.
#include "dataplane/worker/patience.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

constexpr TimeNs kStart = kSecond;

// Bursts of 2 us with `gap` between them; returns when the last ended.
TimeNs keep_busy(Patience& patience, TimeNs now, DurationNs gap, int bursts) {
  for (; bursts > 0; --bursts) {
    patience.was_busy(now + gap, now + gap + 2 * kMicrosecond);
    now += gap + 2 * kMicrosecond;
  }
  return now;
}

TEST(Patience, RestsAlmostAtOnceWhereNothingUsuallyComes) {
  Patience patience(kStart);
  const TimeNs idle = keep_busy(patience, kStart, 3 * kMillisecond, 50);
  EXPECT_FALSE(patience.is_over(idle + 5 * kMicrosecond));
  EXPECT_TRUE(patience.is_over(idle + 6 * kMicrosecond));
}

TEST(Patience, WaitsTwiceTheUsualGapWhereFramesComeSoon) {
  Patience patience(kStart);
  const TimeNs idle = keep_busy(patience, kStart, 50 * kMicrosecond, 100);
  EXPECT_FALSE(patience.is_over(idle + 90 * kMicrosecond));
  EXPECT_TRUE(patience.is_over(idle + 120 * kMicrosecond));
}

TEST(Patience, OnePauseDoesNotEndIt) {
  Patience patience(kStart);
  TimeNs idle = keep_busy(patience, kStart, 50 * kMicrosecond, 100);
  idle = keep_busy(patience, idle, kSecond, 1);
  EXPECT_FALSE(patience.is_over(idle + 90 * kMicrosecond));
}

TEST(Patience, LearnsAgainAfterALongQuiet) {
  Patience patience(kStart);
  TimeNs idle = keep_busy(patience, kStart, kSecond, 20);
  EXPECT_TRUE(patience.is_over(idle + 6 * kMicrosecond));
  idle = keep_busy(patience, idle, 40 * kMicrosecond, 30);
  EXPECT_FALSE(patience.is_over(idle + 60 * kMicrosecond));
}

// A clock that is read a little late must not look like a gap without end.
TEST(Patience, ABurstThatBeganBeforeTheLastEndedHasNoGap) {
  Patience patience(kStart);
  for (int i = 0; i < 50; ++i) patience.was_busy(kStart - kMicrosecond, kStart);
  EXPECT_TRUE(patience.is_over(kStart + 6 * kMicrosecond));
}

}  // namespace
}  // namespace sluice::worker
