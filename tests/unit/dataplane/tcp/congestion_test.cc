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
  reno.on_acknowledged(10'000, 0);
  EXPECT_EQ(reno.window_bytes(), 20'000u);
}

TEST(NewReno, GrowsByOneSegmentPerRoundTripAfterALoss) {
  Congestion reno = new_reno(1'000);
  reno.on_acknowledged(10'000, 0);
  reno.on_loss(20'000, 0);
  reno.on_recovered();
  EXPECT_EQ(reno.window_bytes(), 10'000u);
  reno.on_acknowledged(10'000, 0);
  EXPECT_EQ(reno.window_bytes(), 11'000u);
  reno.on_acknowledged(5'000, 0);
  EXPECT_EQ(reno.window_bytes(), 11'000u);
  reno.on_acknowledged(6'000, 0);
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
  for (int i = 0; i < 100; ++i) reno.on_acknowledged(1u << 30, 0);
  EXPECT_LE(reno.window_bytes(), 1u << 30);
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
  reno.on_acknowledged(70'000, 0);
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
