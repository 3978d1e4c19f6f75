// Bytes to the peer: segments, bursts, the peer's window, probes.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using Send = LegTest;

TEST_F(Send, WhatIsWrittenGoesOutWithPush) {
  write("hello");
  const Out out = expect_one();
  EXPECT_EQ(out.text, "hello");
  EXPECT_EQ(out.seq, 0u);
  EXPECT_EQ(out.flags, kAck | kPsh);
  expect_nothing();
}

TEST_F(Send, ABurstIsOneSegmentOfWholeMssAndTheRest) {
  write(pattern(5'500));
  const Out out = expect_one();
  EXPECT_EQ(out.text, pattern(5'500));
  EXPECT_EQ(out.mss, kMss);
}

TEST_F(Send, WithoutSegmentationEachSegmentIsOneMss) {
  limits.burst_bytes = kMss;
  write(pattern(2'500));
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].text.size(), 1000u);
  EXPECT_EQ(sent[0].flags, kAck);
  EXPECT_EQ(sent[1].seq, 1000u);
  EXPECT_EQ(sent[2].text.size(), 500u);
  EXPECT_EQ(sent[2].flags, kAck | kPsh) << "only the last of what is queued is pushed";
}

TEST_F(Send, TimestampsTakeTwelveBytesOfTheMss) {
  setup.timestamps = true;
  limits.burst_bytes = 0;
  write(pattern(1'000));
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].text.size(), 988u);
  EXPECT_EQ(sent[0].mss, 988);
  EXPECT_TRUE(sent[0].has_timestamps);
}

TEST_F(Send, AnAbsurdlySmallMssIsNotFollowed) {
  setup.mss = 1;
  setup.timestamps = true;
  write(pattern(360));
  const Out out = expect_one();
  EXPECT_EQ(out.mss, 36);
}

TEST_F(Send, TheInitialFlightIsTenSegments) {
  write(pattern(30'000));
  const Out out = expect_one();
  EXPECT_EQ(out.text.size(), 10'000u);
}

TEST_F(Send, AcknowledgedBytesAreForgottenAndMoreFollow) {
  in_flight(30'000);
  peer_sends({.ack = 10'000});
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 10'000u);
  EXPECT_EQ(out.text, pattern(20'000, 10'000)) << "slow start doubled the window";
  EXPECT_EQ(leg().unacknowledged_bytes(), 20'000u);
}

TEST_F(Send, TheWindowDoesNotGrowWhileItIsNotUsed) {
  for (std::uint32_t i = 1; i <= 50; ++i) {
    in_flight(1'000);
    peer_sends({.ack = i * 1'000});
  }
  write(pattern(60'000));
  EXPECT_EQ(expect_one().text.size(), 10'000u);
}

TEST_F(Send, AfterIdlingTheWindowStartsAnew) {
  setup.send_window = 65'535;
  in_flight(30'000);
  peer_sends({.ack = 10'000});
  output();
  peer_sends({.ack = 30'000});
  now += 10 * kSecond;
  write(pattern(30'000));
  EXPECT_EQ(expect_one().text.size(), 10'000u) << "RFC 5681 section 4.1";
}

TEST_F(Send, ThePeersWindowIsRespected) {
  setup.send_window = 3'000;
  write(pattern(5'000));
  EXPECT_EQ(expect_one().text.size(), 3'000u);
  peer_sends({.ack = 3'000, .window = 500});
  expect_nothing();
  peer_sends({.ack = 3'000, .window = 3'000});
  EXPECT_EQ(expect_one().text, pattern(2'000, 3'000));
}

TEST_F(Send, ThePeersWindowIsScaled) {
  setup.send_shift = 3;
  setup.send_window = 0;
  write(pattern(5'000));
  expect_nothing();
  peer_sends({.ack = 0, .window = 250});
  EXPECT_EQ(expect_one().text.size(), 2'000u);
}

TEST_F(Send, AnOldSegmentDoesNotBringBackAnOldWindow) {
  write("x");
  output();
  peer_sends({.text = "a", .window = 1'000});
  peer_sends({.ack = 1, .text = "b", .window = 0});
  peer_sends({.seq = 0, .ack = 1, .text = "ab", .window = 1'000});  // older sequence number
  write("y");
  for (const Out& out : output()) EXPECT_EQ(out.text, "");
}

TEST_F(Send, ASmallWindowIsNotFilledWithCrumbs) {
  setup.send_window = 10'000;
  write(pattern(20'000));
  EXPECT_EQ(expect_one().text.size(), 10'000u);
  peer_sends({.ack = 10'000, .window = 400});
  expect_nothing();
  peer_sends({.ack = 10'000, .window = 1'400});
  EXPECT_EQ(expect_one().text.size(), 1'000u);
}

TEST_F(Send, AfterThePersistTimerACrumbIsBetterThanNothing) {
  setup.send_window = 10'000;
  in_flight(20'000);
  peer_sends({.ack = 10'000, .window = 400});
  expect_nothing();
  wait_for_deadline();
  const Out out = expect_one();
  EXPECT_EQ(out.text.size(), 400u);
}

TEST_F(Send, AZeroWindowIsProbedWithBackoff) {
  setup.send_window = 0;
  write("waiting");
  expect_nothing();
  DurationNs last = 0;
  for (int i = 0; i < 4; ++i) {
    const DurationNs waited = wait_for_deadline();
    const Out probe = expect_one();
    EXPECT_EQ(probe.text, "");
    EXPECT_EQ(probe.seq, static_cast<std::uint32_t>(-1)) << "below the window: must be answered";
    EXPECT_GE(waited, 2 * last);
    last = waited;
    peer_sends({.window = 0});
    expect_nothing();
  }
  peer_sends({.window = 100});
  EXPECT_EQ(expect_one().text, "waiting");
}

TEST_F(Send, AnsweredProbesKeepTheLegForHours) {
  setup.send_window = 0;
  write("waiting");
  output();
  const TimeNs end = now + 3'600 * kSecond;
  while (now < end) {
    wait_for_deadline();
    output();
    peer_sends({.window = 0});
  }
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(Send, UnansweredProbesGiveUp) {
  setup.send_window = 0;
  write("waiting");
  output();
  const std::vector<Out> sent = wait(limits.give_up_after);
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_timeout);
  EXPECT_NE(sent.back().flags & kRst, 0);
}

TEST_F(Send, RoomFallsWithWhatIsQueuedAndComesBackWithAcks) {
  limits.send_bytes = 5'000;
  write(pattern(3'000));
  EXPECT_EQ(leg().write_room_bytes(), 2'000u);
  write(pattern(3'000));
  EXPECT_EQ(leg().write_room_bytes(), 0u) << "room is advice";
  output();
  peer_sends({.ack = 6'000});
  EXPECT_EQ(leg().write_room_bytes(), 5'000u);
}

TEST_F(Send, AFullBurstLosesNothingAndAsksForAnotherTurn) {
  write(pattern(3'000));
  sink_is_full = true;
  expect_nothing();
  EXPECT_LE(leg().next_deadline(), now + kMillisecond);
  sink_is_full = false;
  wait_for_deadline();
  EXPECT_EQ(expect_one().text, pattern(3'000));
}

TEST_F(Send, AFullBurstKeepsTheOrderOfWhatDidNotFit) {
  write(pattern(30'000));
  sink_is_full = true;
  expect_nothing();
  sink_is_full = false;
  EXPECT_EQ(expect_one().text, pattern(10'000));
  peer_sends({.ack = 10'000});
  EXPECT_EQ(expect_one().text, pattern(20'000, 10'000));
}

TEST_F(Send, APendingAckSurvivesAFullBurst) {
  peer_sends({.text = "x"});
  sink_is_full = true;
  expect_nothing();
  sink_is_full = false;
  wait_for_deadline();
  expect_ack(1);
}

TEST_F(Send, WithoutViewsNothingIsLost) {
  write(pattern(3'000));
  std::vector<rte_mbuf*> views;
  while (rte_mbuf* view = rte_pktmbuf_alloc(shared_pools().views())) views.push_back(view);
  expect_nothing();
  EXPECT_LE(leg().next_deadline(), now + kMillisecond);
  for (rte_mbuf* view : views) rte_pktmbuf_free(view);
  wait_for_deadline();
  EXPECT_EQ(expect_one().text, pattern(3'000));
}

TEST_F(Send, ASegmentIsGatheredFromABoundedNumberOfPieces) {
  start();
  std::string all;
  for (std::size_t i = 0; i < 1'000; ++i) {
    buffer::Chain piece = chain_of(shared_pools(), pattern(3, 3 * i));
    all += text_of(piece);
    leg().write(std::move(piece));
  }
  std::string sent;
  for (const Out& out : output()) {
    EXPECT_LE(out.pieces, 64u);
    sent += out.text;
  }
  EXPECT_EQ(sent, all);
}

TEST_F(Send, OutOfOrderAcksDoNotUnacknowledge) {
  in_flight(2'000);
  peer_sends({.ack = 2'000});
  EXPECT_EQ(peer_sends({.ack = 1'000}), ErrorCode::ok);
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

}  // namespace
}  // namespace sluice::tcp::test
