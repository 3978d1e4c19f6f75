// Losses: timeout, fast retransmit, recovery.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Retransmit : public LegTest {
 protected:
  Retransmit() { limits.burst_bytes = kMss; }

  // One exchange, so that the round trip is known.
  void measure(DurationNs rtt) {
    write("m");
    output();
    now += rtt;
    peer_sends({.ack = 1});
  }
};

TEST_F(Retransmit, TheFirstTimeoutIsOneSecond) {
  write("lost");
  output();
  EXPECT_EQ(wait_for_deadline(), kSecond);
  const Out again = expect_one();
  EXPECT_EQ(again.text, "lost");
  EXPECT_EQ(again.seq, 0u);
}

TEST_F(Retransmit, TheTimeoutFollowsTheMeasuredRoundTrip) {
  measure(100 * kMillisecond);
  write("lost");
  output();
  EXPECT_EQ(wait_for_deadline(), 300 * kMillisecond) << "smoothed 100 ms, variance 4 * 50 ms";
}

TEST_F(Retransmit, TheTimeoutDoublesEachTime) {
  measure(kMillisecond);
  write("lost");
  output();
  DurationNs last = wait_for_deadline();
  for (int i = 0; i < 5; ++i) {
    output();
    const DurationNs next = wait_for_deadline();
    EXPECT_EQ(next, 2 * last);
    last = next;
  }
}

TEST_F(Retransmit, ARetransmittedSegmentIsNotMeasured) {
  write("lost");
  output();
  wait_for_deadline();
  output();
  peer_sends({.ack = 4});  // at once: which copy was it?
  write("next");
  output();
  EXPECT_EQ(wait_for_deadline(), 2 * kSecond) << "Karn: the backed-off timeout stays until a clean sample";
}

TEST_F(Retransmit, ACleanSampleEndsTheBackoff) {
  write("lost");
  output();
  wait_for_deadline();
  output();
  peer_sends({.ack = 4});
  write("next");
  output();
  now += 10 * kMillisecond;
  peer_sends({.ack = 8});
  write("more");
  output();
  EXPECT_EQ(wait_for_deadline(), 210 * kMillisecond);
}

TEST_F(Retransmit, AnAckRestartsTheTimer) {
  measure(100 * kMillisecond);
  in_flight(2'000);
  now += 200 * kMillisecond;
  peer_sends({.ack = 1'001});
  EXPECT_GE(leg().next_deadline() - now, 200 * kMillisecond);
}

TEST_F(Retransmit, NothingInFlightNeedsNoTimer) {
  write("x");
  output();
  peer_sends({.ack = 1});
  expect_nothing();
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(Retransmit, ATimeoutStartsOverFromTheFirstUnacknowledgedByte) {
  in_flight(5'000);
  wait_for_deadline();
  EXPECT_EQ(expect_one().text, pattern(1'000)) << "the window is one segment";
  peer_sends({.ack = 1'000});
  peer_sends({.ack = 1'000});
  std::vector<Out> sent = output();
  ASSERT_GE(sent.size(), 1u);
  EXPECT_EQ(sent[0].seq, 1'000u);
  EXPECT_EQ(sent[0].text, pattern(1'000, 1'000));
}

TEST_F(Retransmit, WhatThePeerAlreadyHasIsSkippedAfterATimeout) {
  in_flight(5'000);
  wait_for_deadline();
  output();
  peer_sends({.ack = 4'000});  // only the first had been lost
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 4'000u);
}

TEST_F(Retransmit, ThreeDuplicatesResendTheFirstSegmentAtOnce) {
  in_flight(5'000);
  peer_sends({.ack = 0});
  peer_sends({.ack = 0});
  expect_nothing();
  peer_sends({.ack = 0});
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 0u);
  EXPECT_EQ(out.text, pattern(1'000));
}

TEST_F(Retransmit, EachOfTheFirstDuplicatesLetsANewSegmentOut) {
  write(pattern(20'000));
  EXPECT_EQ(output().size(), 10u);
  peer_sends({.ack = 0});
  EXPECT_EQ(expect_one().seq, 10'000u) << "RFC 3042";
  peer_sends({.ack = 0});
  EXPECT_EQ(expect_one().seq, 11'000u);
}

TEST_F(Retransmit, DataOrAWindowUpdateIsNoDuplicate) {
  in_flight(5'000);
  peer_sends({.ack = 0, .text = "a"});
  peer_sends({.ack = 0, .text = "b"});
  peer_sends({.ack = 0, .window = 60'000});
  peer_sends({.ack = 0, .window = 61'000});
  peer_sends({.ack = 0, .window = 62'000});
  expect_ack(2);
}

TEST_F(Retransmit, APartialAckResendsTheNextHole) {
  in_flight(8'000);
  for (int i = 0; i < 3; ++i) peer_sends({.ack = 0});
  EXPECT_EQ(expect_one().seq, 0u);
  peer_sends({.ack = 3'000});
  EXPECT_EQ(output().at(0).seq, 3'000u) << "NewReno needs no second set of duplicates";
  peer_sends({.ack = 8'000});
  expect_nothing();
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

TEST_F(Retransmit, AfterRecoveryAtMostHalfOfTheFlightGoesOut) {
  limits.congestion = CongestionControl::new_reno;
  in_flight(40'000);
  for (int i = 0; i < 3; ++i) peer_sends({.ack = 0});
  output();
  peer_sends({.ack = 10'000});
  std::size_t sent = 0;
  for (const Out& out : output()) sent += out.text.size();
  EXPECT_LE(sent, 5'000u);
  EXPECT_GE(sent, 1'000u);
}

TEST_F(Retransmit, DuplicatesAfterATimeoutDoNotStartARecovery) {
  in_flight(5'000);
  wait_for_deadline();
  output();
  for (int i = 0; i < 4; ++i) peer_sends({.ack = 0});  // the receiver had the rest already
  expect_nothing();
}

TEST_F(Retransmit, WithoutProgressTheLegGivesUp) {
  write("lost");
  output();
  const TimeNs began = now;
  while (leg().state() != LegState::closed && leg().next_deadline() != kNever) {
    wait_for_deadline();
    output();
  }
  EXPECT_EQ(now - began, limits.give_up_after);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_timeout);
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(Retransmit, ProgressPutsOffGivingUp) {
  in_flight(3'000);
  wait(limits.give_up_after - kSecond);
  peer_sends({.ack = 1'000});
  wait(limits.give_up_after - kSecond);
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(Retransmit, TheFirstSegmentIsSentAgainEvenIntoAClosedWindow) {
  in_flight(3'000);
  peer_sends({.ack = 0, .window = 0});
  wait_for_deadline();
  EXPECT_EQ(expect_one().seq, 0u);
}

TEST_F(Retransmit, ARetransmissionThatFoundNoBufferIsTriedAgainSoon) {
  write("lost");
  output();
  wait_for_deadline();
  sink_is_full = true;
  expect_nothing();
  sink_is_full = false;
  EXPECT_LE(wait_for_deadline(), kMillisecond);
  EXPECT_EQ(expect_one().text, "lost");
}

}  // namespace
}  // namespace sluice::tcp::test
