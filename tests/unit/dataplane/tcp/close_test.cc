// Orderly ends: FIN both ways, half-close, TIME_WAIT.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using Close = LegTest;

TEST_F(Close, FinFollowsTheLastByteInTheSameSegment) {
  write("bye");
  leg().finish();
  const Out out = expect_one();
  EXPECT_EQ(out.text, "bye");
  EXPECT_EQ(out.flags, kAck | kPsh | kFin);
  EXPECT_FALSE(leg().finished());
  peer_sends({.ack = 4});
  EXPECT_TRUE(leg().finished());
}

TEST_F(Close, FinGoesAloneWhenNothingIsQueued) {
  leg().finish();
  EXPECT_EQ(expect_one().flags, kAck | kFin);
  expect_nothing();
}

TEST_F(Close, ALostFinIsSentAgain) {
  leg().finish();
  output();
  wait_for_deadline();
  const Out again = expect_one();
  EXPECT_EQ(again.flags, kAck | kFin);
  EXPECT_EQ(again.seq, 0u);
}

TEST_F(Close, ALostFinWithItsDataIsSentAgainTogether) {
  write("bye");
  leg().finish();
  output();
  wait_for_deadline();
  const Out again = expect_one();
  EXPECT_EQ(again.text, "bye");
  EXPECT_NE(again.flags & kFin, 0);
}

TEST_F(Close, WhenOnlyTheDataOfAFinWasAcknowledgedTheFinIsSentAgain) {
  write("bye");
  leg().finish();
  output();
  peer_sends({.ack = 3});
  EXPECT_FALSE(leg().finished());
  wait_for_deadline();
  const Out again = expect_one();
  EXPECT_EQ(again.seq, 3u);
  EXPECT_EQ(again.text, "");
  EXPECT_NE(again.flags & kFin, 0);
}

TEST_F(Close, FinWaitsForTheWindowLikeAByte) {
  setup.send_window = 0;
  leg().finish();
  expect_nothing();
  wait_for_deadline();
  EXPECT_EQ(expect_one().flags, kAck) << "a probe";
  peer_sends({.window = 10});
  EXPECT_EQ(expect_one().flags, kAck | kFin);
}

TEST_F(Close, ThePeersFinIsAcknowledgedAndSeenAfterItsBytes) {
  peer_sends({.text = "last", .flags = kAck | kFin});
  EXPECT_FALSE(leg().read_finished());
  EXPECT_EQ(read(), "last");
  EXPECT_TRUE(leg().read_finished());
  expect_ack(5);
}

TEST_F(Close, AFinBeforeAHoleWaits) {
  peer_sends({.seq = 4, .text = "last", .flags = kAck | kFin});
  expect_ack(0);
  peer_sends({.seq = 0, .text = "the "});
  EXPECT_EQ(read(), "the last");
  EXPECT_TRUE(leg().read_finished());
  expect_ack(9);
}

TEST_F(Close, ARepeatedFinIsAcknowledgedAgain) {
  peer_sends({.flags = kAck | kFin});
  expect_ack(1);
  peer_sends({.seq = 0, .flags = kAck | kFin});
  expect_ack(1);
}

TEST_F(Close, BytesAfterTheFinAreNotTaken) {
  peer_sends({.text = "end", .flags = kAck | kFin});
  peer_sends({.seq = 3, .text = "more"});
  peer_sends({.seq = 4, .text = "more"});
  EXPECT_EQ(read(), "end");
  EXPECT_TRUE(leg().read_finished());
}

TEST_F(Close, AFinBelowBytesThatAreAlreadyHereIsNotBelieved) {
  peer_sends({.seq = 100, .text = "later"});
  peer_sends({.seq = 50, .flags = kAck | kFin});
  peer_sends({.seq = 0, .text = pattern(100)});
  EXPECT_EQ(leg().readable_bytes(), 105u);
  EXPECT_FALSE(leg().read_finished());
}

TEST_F(Close, AfterThePeersFinWeStillSend) {
  peer_sends({.flags = kAck | kFin});
  output();
  write("answer");
  EXPECT_EQ(expect_one().text, "answer");
  peer_sends({.ack = 6});
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(Close, AfterOurFinWeStillReceive) {
  leg().finish();
  output();
  peer_sends({.ack = 1});
  peer_sends({.text = "still here"});
  EXPECT_EQ(read(), "still here");
  expect_ack(10);
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(Close, WhoClosesSecondIsDoneWithTheLastAck) {
  peer_sends({.flags = kAck | kFin});
  leg().finish();
  output();
  peer_sends({.ack = 1});
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::ok);
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(Close, WhoClosesFirstWaits) {
  leg().finish();
  output();
  peer_sends({.ack = 1});
  peer_sends({.flags = kAck | kFin});
  EXPECT_EQ(leg().state(), LegState::time_wait);
  expect_ack(1);
  EXPECT_EQ(wait_for_deadline(), limits.time_wait);
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::ok);
}

TEST_F(Close, BothAtOnceIsFirst) {
  leg().finish();
  output();
  peer_sends({.ack = 0, .flags = kAck | kFin});
  expect_ack(1);
  peer_sends({.ack = 1});
  EXPECT_EQ(leg().state(), LegState::time_wait);
}

TEST_F(Close, TimeWaitAnswersARepeatedFinAndStartsOver) {
  leg().finish();
  output();
  peer_sends({.ack = 1, .flags = kAck | kFin});
  output();
  now += limits.time_wait / 2;
  peer_sends({.seq = 0, .flags = kAck | kFin});
  expect_ack(1);
  EXPECT_EQ(wait_for_deadline(), limits.time_wait);
}

TEST_F(Close, TimeWaitHoldsNoBuffers) {
  write(pattern(1'000));
  leg().finish();
  output();
  peer_sends({.ack = 1'001, .flags = kAck | kFin});
  EXPECT_EQ(leg().state(), LegState::time_wait);
  EXPECT_EQ(leg().pinned_bytes(), 0u);
}

TEST_F(Close, FinishTwiceIsFinishOnce) {
  leg().finish();
  leg().finish();
  EXPECT_EQ(output().size(), 1u);
  expect_nothing();
}

}  // namespace
}  // namespace sluice::tcp::test
