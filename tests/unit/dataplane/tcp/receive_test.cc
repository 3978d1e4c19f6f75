// Bytes from the peer: order, overlap, acknowledgements.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using Receive = LegTest;

TEST_F(Receive, InOrderDataIsReadableAndAcknowledged) {
  EXPECT_EQ(peer_sends({.text = "hello"}), ErrorCode::ok);
  EXPECT_EQ(read(), "hello");
  expect_ack(5);
}

TEST_F(Receive, OneAckStandsForAWholeBurst) {
  for (int i = 0; i < 5; ++i) peer_sends({.text = pattern(kMss)});
  expect_ack(5 * kMss);
  expect_nothing();
}

TEST_F(Receive, APureAckIsNotAnswered) {
  write("x");
  output();
  peer_sends({.ack = 1});
  expect_nothing();
}

TEST_F(Receive, TheAckRidesOnDataThatGoesOutAnyway) {
  peer_sends({.text = "ask"});
  write("answer");
  const Out out = expect_one();
  EXPECT_EQ(out.text, "answer");
  EXPECT_EQ(out.ack, 3u);
}

TEST_F(Receive, ASmallSegmentsAckWaitsForAnAnswerToRideOn) {
  limits.ack_delay = kMillisecond;
  peer_sends({.text = "ask"});
  expect_nothing();
  write("answer");
  EXPECT_EQ(expect_one().ack, 3u);
  EXPECT_TRUE(wait(10 * kMillisecond).empty());
}

TEST_F(Receive, AnAckThatFindsNoRideGoesAlone) {
  limits.ack_delay = kMillisecond;
  peer_sends({.text = "ask"});
  expect_nothing();
  EXPECT_EQ(wait_for_deadline(), kMillisecond);
  expect_ack(3);
}

TEST_F(Receive, AnAckWaitsLongerForAnAnswerThatIsExpected) {
  limits.ack_delay = kMillisecond;
  limits.answer_delay = 40 * kMillisecond;
  leg().expect_answer(true);
  peer_sends({.text = "ask"});
  expect_nothing();
  EXPECT_EQ(wait_for_deadline(), 40 * kMillisecond);
  expect_ack(3);
}

TEST_F(Receive, AnAckWaitsNoLongerOnceMoreIsToComeBeforeTheAnswer) {
  limits.ack_delay = kMillisecond;
  limits.answer_delay = 40 * kMillisecond;
  leg().expect_answer(true);
  peer_sends({.text = "ask"});
  expect_nothing();
  leg().expect_answer(false);
  peer_sends({.text = "a"});
  expect_nothing();
  EXPECT_EQ(wait_for_deadline(), kMillisecond);
  expect_ack(4);
}

TEST_F(Receive, TwoFullSegmentsAreAcknowledgedAtOnce) {
  limits.ack_delay = kMillisecond;
  peer_sends({.text = pattern(kMss)});
  expect_nothing();
  peer_sends({.text = pattern(kMss)});
  expect_ack(2 * kMss);
}

TEST_F(Receive, WhatComesOutOfOrderIsAcknowledgedAtOnce) {
  limits.ack_delay = kMillisecond;
  peer_sends({.seq = 5, .text = "world"});
  expect_ack(0);
}

TEST_F(Receive, ReadTakesNoMoreThanItsLimit) {
  peer_sends({.text = "hello world"});
  EXPECT_EQ(read(5), "hello");
  EXPECT_EQ(leg().readable_bytes(), 6u);
  EXPECT_EQ(read(), " world");
}

TEST_F(Receive, ASuperframeIsOneSegment) {
  const std::string big = pattern(60'000);
  EXPECT_EQ(peer_sends({.text = big}), ErrorCode::ok);
  EXPECT_EQ(read(), big);
  expect_ack(60'000);
}

TEST_F(Receive, AHoleHoldsBackWhatFollowsIt) {
  peer_sends({.seq = 5, .text = "world"});
  EXPECT_EQ(leg().readable_bytes(), 0u);
  expect_ack(0);
  peer_sends({.seq = 0, .text = "hello"});
  EXPECT_EQ(read(), "helloworld");
  expect_ack(10);
}

TEST_F(Receive, SegmentsInAnyOrderGiveOneStream) {
  const std::string stream = pattern(700);
  for (const std::uint32_t at : {600u, 200u, 400u, 100u, 500u, 300u, 0u})
    peer_sends({.seq = at, .text = stream.substr(at, 100)});
  EXPECT_EQ(read(), stream);
  expect_ack(700);
}

TEST_F(Receive, OverlapsAreTakenOnce) {
  const std::string stream = pattern(300);
  peer_sends({.seq = 0, .text = stream.substr(0, 100)});
  EXPECT_EQ(peer_sends({.seq = 50, .text = stream.substr(50, 150)}), ErrorCode::ok);
  peer_sends({.seq = 250, .text = stream.substr(250, 50)});
  EXPECT_EQ(peer_sends({.seq = 150, .text = stream.substr(150, 150)}), ErrorCode::ok);
  EXPECT_EQ(read(), stream);
}

TEST_F(Receive, ASegmentMayCoverSeveralHeldRuns) {
  const std::string stream = pattern(500);
  peer_sends({.seq = 100, .text = stream.substr(100, 50)});
  peer_sends({.seq = 300, .text = stream.substr(300, 50)});
  EXPECT_EQ(peer_sends({.seq = 0, .text = stream}), ErrorCode::ok);
  EXPECT_EQ(read(), stream);
}

TEST_F(Receive, ARepeatedSegmentIsAcknowledgedAgainAndNotReadTwice) {
  peer_sends({.text = "once"});
  expect_ack(4);
  EXPECT_EQ(peer_sends({.seq = 0, .text = "once"}), ErrorCode::tcp_out_of_window);
  expect_ack(4);
  EXPECT_EQ(read(), "once");
}

TEST_F(Receive, TheFirstCopyWinsOverADifferingRetransmissionOutOfOrder) {
  peer_sends({.seq = 4, .text = "good"});
  EXPECT_EQ(peer_sends({.seq = 0, .text = "all-EVIL!"}), ErrorCode::tcp_differing_retransmission);
  EXPECT_EQ(read(), "all-good!");
}

TEST_F(Receive, TheFirstCopyWinsOverADifferingRetransmissionOfUnreadBytes) {
  peer_sends({.text = "goodness"});
  EXPECT_EQ(peer_sends({.seq = 0, .text = "EVIL"}), ErrorCode::tcp_differing_retransmission);
  EXPECT_EQ(peer_sends({.seq = 4, .text = "NESS more"}), ErrorCode::tcp_differing_retransmission);
  EXPECT_EQ(read(), "goodness more");
}

TEST_F(Receive, ARetransmissionOfBytesThatWereReadIsNotJudged) {
  peer_sends({.text = "goodness"});
  EXPECT_EQ(read(4), "good");
  EXPECT_EQ(peer_sends({.seq = 0, .text = "EVIL"}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(peer_sends({.seq = 0, .text = "EVILness"}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(peer_sends({.seq = 0, .text = "EVILmess"}), ErrorCode::tcp_differing_retransmission);
  EXPECT_EQ(read(), "ness");
}

TEST_F(Receive, DataBeyondTheWindowIsNotTaken) {
  limits.receive_bytes = setup.receive_window = 10;
  EXPECT_EQ(peer_sends({.text = "0123456789abc"}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(leg().readable_bytes(), 10u);
  EXPECT_EQ(peer_sends({.seq = 5'000, .text = "far"}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(read(), "0123456789");
}

TEST_F(Receive, AnOutOfOrderSegmentIsAnsweredWithADuplicateAckEachTime) {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    peer_sends({.seq = i * 100, .text = pattern(100)});
    expect_ack(0);
  }
}

TEST_F(Receive, AKeepaliveProbeIsAnswered) {
  peer_sends({.text = "x"});
  output();
  EXPECT_EQ(peer_sends({.seq = 0}), ErrorCode::tcp_out_of_window);
  expect_ack(1);
  now += kSecond;
  peer_sends({.seq = 0, .text = "x"});  // the older kind, with one byte
  expect_ack(1);
}

TEST_F(Receive, ASegmentWithoutAckIsDropped) {
  EXPECT_EQ(peer_sends({.text = "x", .flags = 0}), ErrorCode::tcp_bad_ack);
  EXPECT_EQ(leg().readable_bytes(), 0u);
}

TEST_F(Receive, DataWithAnAckOfBytesNeverSentIsDroppedAndChallenged) {
  EXPECT_EQ(peer_sends({.ack = 100, .text = "x"}), ErrorCode::tcp_bad_ack);
  EXPECT_EQ(leg().readable_bytes(), 0u);
  expect_ack(0);
}

TEST_F(Receive, DataWithAnAckFarInThePastIsDropped) {
  EXPECT_EQ(peer_sends({.ack = static_cast<std::uint32_t>(-70'000), .text = "x"}), ErrorCode::tcp_bad_ack);
  EXPECT_EQ(leg().readable_bytes(), 0u);
}

TEST_F(Receive, TheOutOfOrderQueueIsBoundedInRuns) {
  limits.out_of_order_segments = 4;
  for (std::uint32_t i = 1; i <= 4; ++i) EXPECT_EQ(peer_sends({.seq = i * 100, .text = "x"}), ErrorCode::ok);
  EXPECT_EQ(peer_sends({.seq = 900, .text = "x"}), ErrorCode::tcp_queue_full);
  EXPECT_EQ(peer_sends({.seq = 401, .text = "x"}), ErrorCode::ok) << "joins a run, needs no new one";
  EXPECT_EQ(peer_sends({.seq = 0, .text = pattern(50)}), ErrorCode::ok) << "its turn: the farthest run goes";
  EXPECT_EQ(leg().readable_bytes(), 50u);
}

TEST_F(Receive, TinySegmentsDoNotPinMoreThanTheBound) {
  limits.pinned_bytes = 1u << 20;
  std::string stream;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const std::string one = pattern(1, i);
    ASSERT_EQ(peer_sends({.text = one}), ErrorCode::ok) << i;
    stream += one;
  }
  EXPECT_LE(leg().pinned_bytes(), limits.pinned_bytes);
  EXPECT_EQ(read(), stream);
  EXPECT_EQ(leg().pinned_bytes(), 0u);
}

TEST_F(Receive, AtTheMemoryBoundNewDataIsLeftToThePeer) {
  limits.pinned_bytes = 64u << 10;
  start();
  leg().set_downstream_bytes(100, 64u << 10);
  EXPECT_EQ(peer_sends({.text = "later"}), ErrorCode::tcp_queue_full);
  EXPECT_EQ(expect_one().ack, 0u);
  leg().set_downstream_bytes(0, 0);
  EXPECT_EQ(peer_sends({.seq = 0, .text = "later"}), ErrorCode::ok);
  EXPECT_EQ(read(), "later");
}

TEST_F(Receive, AtTheMemoryBoundOutOfOrderDataGivesWayToWhatIsNext) {
  limits.pinned_bytes = 8u << 10;
  start();
  ErrorCode last = ErrorCode::ok;
  std::uint32_t far = 1000;
  for (; last == ErrorCode::ok; far += 2000) last = peer_sends({.seq = far, .text = pattern(900)});
  EXPECT_EQ(last, ErrorCode::tcp_queue_full);
  EXPECT_EQ(peer_sends({.text = pattern(900)}), ErrorCode::ok);
  EXPECT_EQ(leg().readable_bytes(), 900u);
}

TEST_F(Receive, TimestampsEchoThePeersLastInOrderValue) {
  setup.timestamps = true;
  setup.ts_recent = 100;
  peer_sends({.text = "a", .ts_value = 110});
  EXPECT_EQ(expect_one().ts_echo, 110u);
  peer_sends({.seq = 5, .text = "out of order", .ts_value = 130});
  EXPECT_EQ(expect_one().ts_echo, 110u) << "RFC 7323 section 4.3";
  peer_sends({.seq = 1, .text = "fill", .ts_value = 120});
  EXPECT_EQ(expect_one().ts_echo, 120u);
}

TEST_F(Receive, OurTimestampIsTheMirroredOneAndNeverGoesBack) {
  setup.timestamps = true;
  setup.ts_value = 0xfffffffe;
  peer_sends({.text = "a", .ts_value = 1});
  EXPECT_EQ(expect_one().ts_value, 0xfffffffeu);
  leg().set_ts_value(3);
  leg().set_ts_value(1);
  peer_sends({.text = "b", .ts_value = 1});
  EXPECT_EQ(expect_one().ts_value, 3u);
}

}  // namespace
}  // namespace sluice::tcp::test
