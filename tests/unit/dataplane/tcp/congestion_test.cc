// The congestion window and the timeout, as arithmetic.
#include "dataplane/tcp/congestion.h"

#include <gtest/gtest.h>

#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {
namespace {

Congestion new_reno(std::uint16_t mss) {
  return Congestion(CongestionControl::new_reno, mss);
}

TEST(NewReno, BeginsWithTenSegmentsOrLessOfLargeOnes) {
  EXPECT_EQ(new_reno(1'000).window_bytes(), 10'000u);
  EXPECT_EQ(new_reno(1'460).window_bytes(), 14'600u);
  EXPECT_EQ(new_reno(8'960).window_bytes(), 17'920u) << "RFC 6928";
}

TEST(NewReno, DoublesPerRoundTripInSlowStart) {
  Congestion reno = new_reno(1'000);
  reno.on_acknowledged(10'000, 0, kMillisecond);
  EXPECT_EQ(reno.window_bytes(), 20'000u);
}

TEST(NewReno, GrowsByOneSegmentPerRoundTripAfterALoss) {
  Congestion reno = new_reno(1'000);
  reno.on_acknowledged(10'000, 0, kMillisecond);
  reno.on_loss(20'000, 0);
  reno.on_recovered();
  EXPECT_EQ(reno.window_bytes(), 10'000u);
  reno.on_acknowledged(10'000, 0, kMillisecond);
  EXPECT_EQ(reno.window_bytes(), 11'000u);
  reno.on_acknowledged(5'000, 0, kMillisecond);
  EXPECT_EQ(reno.window_bytes(), 11'000u);
  reno.on_acknowledged(6'000, 0, kMillisecond);
  EXPECT_EQ(reno.window_bytes(), 12'000u);
}

TEST(NewReno, ARepeatedTimeoutDoesNotHalveAgain) {
  Congestion reno = new_reno(1'000);
  reno.on_timeout(10'000, true, 0);
  EXPECT_EQ(reno.window_bytes(), 1'000u);
  EXPECT_EQ(reno.threshold_bytes(), 5'000u);
  reno.on_timeout(1'000, false, 0);
  EXPECT_EQ(reno.threshold_bytes(), 5'000u);
}

TEST(NewReno, ALossIsCountedFromWhatWasInFlight) {
  Congestion reno = new_reno(1'000);
  reno.on_loss(6'000, 0);
  EXPECT_EQ(reno.threshold_bytes(), 3'000u) << "RFC 5681: the flight, where it is less than the window";
}

TEST(NewReno, NeverGrowsBeyondTheLargestWindow) {
  Congestion reno = new_reno(65'000);
  for (int i = 0; i < 100; ++i) reno.on_acknowledged(1u << 30, 0, kMillisecond);
  EXPECT_LE(reno.window_bytes(), 1u << 30);
}

Congestion cubic(std::uint16_t mss) {
  return Congestion(CongestionControl::cubic, mss);
}

// As many round trips as fit into `duration`, each acknowledging a whole window.
void grow_for(Congestion& congestion, TimeNs& now, DurationNs duration, DurationNs rtt) {
  for (const TimeNs end = now + duration; now < end; now += rtt)
    congestion.on_acknowledged(congestion.window_bytes(), now, rtt);
}

TEST(Cubic, ALossLeavesSevenTenths) {
  Congestion window = cubic(1'000);
  window.on_acknowledged(90'000, 0, kMillisecond);
  window.on_loss(100'000, 0);
  window.on_recovered();
  EXPECT_EQ(window.window_bytes(), 70'000u);
}

TEST(Cubic, ReturnsToTheTopAfterTheTimeThatTheFunctionSays) {
  Congestion window = cubic(1'000);
  window.on_acknowledged(990'000, 0, kMillisecond);
  window.on_loss(1'000'000, 0);
  window.on_recovered();
  EXPECT_EQ(window.window_bytes(), 700'000u);
  TimeNs now = kSecond;
  // K = cbrt(300 segments / 0.4) = 9.09 s. With a round trip of 200 ms Reno is far slower.
  grow_for(window, now, 4 * kSecond, 200 * kMillisecond);
  EXPECT_NEAR(window.window_bytes(), 1'000'000 - 0.4 * 5.09 * 5.09 * 5.09 * 1'000, 12'000);
  grow_for(window, now, 5 * kSecond, 200 * kMillisecond);
  EXPECT_NEAR(window.window_bytes(), 1'000'000, 3'000);
  grow_for(window, now, 5 * kSecond, 200 * kMillisecond);
  EXPECT_NEAR(window.window_bytes(), 1'000'000 + 0.4 * 4.91 * 4.91 * 4.91 * 1'000, 12'000);
}

TEST(Cubic, OnAShortPathItGrowsAsRenoWould) {
  Congestion window = cubic(1'000);
  window.on_acknowledged(30'000, 0, kMillisecond);
  window.on_loss(40'000, 0);
  window.on_recovered();
  EXPECT_EQ(window.window_bytes(), 28'000u);
  TimeNs now = kSecond;
  grow_for(window, now, 20 * kMillisecond, kMillisecond);
  EXPECT_NEAR(window.window_bytes(), 28'000 + 20 * 529, 1'500) << "0.53 segments a round trip, to where the loss was";
  const std::uint32_t before = window.window_bytes();
  grow_for(window, now, 30 * kMillisecond, kMillisecond);
  EXPECT_GT(window.window_bytes(), before + 20'000) << "and one a round trip from there on";
}

TEST(Cubic, AFlowThatDidNotComeBackLeavesRoom) {
  Congestion slow = cubic(1'000);
  slow.on_acknowledged(90'000, 0, kMillisecond);
  slow.on_loss(100'000, 0);
  slow.on_recovered();
  slow.on_loss(70'000, 0);
  slow.on_recovered();
  TimeNs now = kSecond;
  // The top is now 0.85 * 70 000 = 59 500: K = cbrt(10.5 / 0.4) = 2.97 s.
  grow_for(slow, now, 3 * kSecond, 300 * kMillisecond);
  EXPECT_NEAR(slow.window_bytes(), 59'500, 1'500);
}

TEST(Cubic, NeverGrowsByMoreThanHalfInARoundTrip) {
  Congestion window = cubic(1'000);
  window.on_loss(10'000, 0);
  window.on_recovered();
  window.on_acknowledged(7'000, kSecond, 100 * kMillisecond);
  window.on_acknowledged(7'000, 1'000 * kSecond, 100 * kMillisecond);
  EXPECT_LE(window.window_bytes(), 12'000u);
}

TEST(Cubic, IdleTimeDoesNotCount) {
  Congestion window = cubic(1'000);
  window.on_acknowledged(990'000, 0, kMillisecond);
  window.on_loss(1'000'000, 0);
  window.on_recovered();
  TimeNs now = kSecond;
  grow_for(window, now, kSecond, 100 * kMillisecond);
  const std::uint32_t before = window.window_bytes();
  window.on_idle(3'600 * kSecond, 7'200 * kSecond);
  now += 3'600 * kSecond;
  window.on_acknowledged(window.window_bytes(), now, 100 * kMillisecond);
  EXPECT_LT(window.window_bytes(), before + 30'000);
}

TEST(Congestion, UndoBringsBackWhatALossTook) {
  Congestion reno = new_reno(1'000);
  reno.on_timeout(10'000, true, 0);
  reno.undo();
  EXPECT_EQ(reno.window_bytes(), 10'000u);
  EXPECT_EQ(reno.threshold_bytes(), Congestion::kLargestWindow);
}

TEST(Congestion, IdlingHalvesTheWindowForEachTimeout) {
  Congestion reno = new_reno(1'000);
  reno.on_acknowledged(70'000, 0, kMillisecond);
  EXPECT_EQ(reno.window_bytes(), 80'000u);
  reno.on_idle(3 * kSecond, kSecond);
  EXPECT_EQ(reno.window_bytes(), 20'000u);
  reno.on_idle(3'600 * kSecond, kSecond);
  EXPECT_EQ(reno.window_bytes(), 10'000u) << "never below the initial one";
}

TEST(Rtt, TheFirstSampleSetsBothTerms) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.rto(), kSecond);
  rtt.sample(200 * kMillisecond);
  EXPECT_EQ(rtt.rto(), 600 * kMillisecond);
}

TEST(Rtt, ASteadyRoundTripConvergesToItAndTheFloor) {
  RttEstimator rtt;
  for (int i = 0; i < 100; ++i) rtt.sample(50 * kMillisecond);
  EXPECT_EQ(rtt.smoothed(), 50 * kMillisecond);
  EXPECT_EQ(rtt.rto(), 250 * kMillisecond);
}

TEST(Rtt, BackoffEndsAtTheLargestTimeout) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.rto(3), 8 * kSecond);
  EXPECT_EQ(rtt.rto(50), kMaxRto);
  for (int i = 0; i < 10; ++i) rtt.sample(kNever);
  EXPECT_EQ(rtt.rto(50), kMaxRto);
}

TEST(Sequence, ComparesAcrossTheWrap) {
  EXPECT_TRUE(before(0xffffffff, 0));
  EXPECT_TRUE(after(5, 0xfffffff0));
  EXPECT_FALSE(before(7, 7));
  EXPECT_EQ(distance(0xfffffff0, 0x10), 0x20u);
  EXPECT_EQ(distance(0x10, 0xfffffff0), 0u);
  EXPECT_EQ(later(0xfffffff0, 3), 3u);
}

}  // namespace
}  // namespace sluice::tcp
