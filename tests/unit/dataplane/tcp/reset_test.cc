// Resets in both directions, and segments that try to be one.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using Reset = LegTest;

TEST_F(Reset, AtExactlyTheNextByteItCloses) {
  write("pending");
  output();
  EXPECT_EQ(peer_sends({.flags = kRst}), ErrorCode::ok);
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_reset_by_peer);
  EXPECT_EQ(leg().next_deadline(), kNever);
  expect_nothing();
}

TEST_F(Reset, ElsewhereInTheWindowItIsChallenged) {
  EXPECT_EQ(peer_sends({.seq = 10, .flags = kRst}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(leg().state(), LegState::open);
  expect_ack(0);
}

TEST_F(Reset, OutsideTheWindowItIsNothing) {
  EXPECT_EQ(peer_sends({.seq = 100'000, .flags = kRst}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(peer_sends({.seq = static_cast<std::uint32_t>(-5), .flags = kRst}), ErrorCode::tcp_out_of_window);
  EXPECT_EQ(leg().state(), LegState::open);
  expect_nothing();
}

TEST_F(Reset, ChallengesAreRare) {
  peer_sends({.seq = 10, .flags = kRst});
  expect_ack(0);
  for (std::uint32_t i = 0; i < 100; ++i) {
    peer_sends({.seq = 10 + i, .flags = kRst});
    expect_nothing();
  }
  now += 200 * kMillisecond;
  peer_sends({.seq = 10, .flags = kRst});
  expect_ack(0);
}

TEST_F(Reset, WhatCameBeforeItCanStillBeRead) {
  peer_sends({.text = "the answer"});
  peer_sends({.flags = kRst | kAck});
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(read(), "the answer");
}

TEST_F(Reset, ASynInTheConnectionIsChallenged) {
  EXPECT_EQ(peer_sends({.seq = 0, .flags = kSyn}), ErrorCode::tcp_out_of_window);
  expect_ack(0);
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(Reset, TheHandshakeRepeatedIsAcknowledged) {
  EXPECT_EQ(peer_sends({.seq = static_cast<std::uint32_t>(-1), .flags = kSyn | kAck}), ErrorCode::tcp_out_of_window);
  expect_ack(0);
}

TEST_F(Reset, AbortSendsOneAndForgetsAll) {
  write(pattern(5'000));
  output();
  leg().abort(ErrorCode::rule_denied_late);
  EXPECT_LE(leg().next_deadline(), now);
  const Out out = expect_one();
  EXPECT_EQ(out.flags, kRst | kAck);
  EXPECT_EQ(out.seq, 5'000u);
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::rule_denied_late);
  EXPECT_EQ(leg().pinned_bytes(), 0u);
  EXPECT_EQ(leg().next_deadline(), kNever);
  expect_nothing();
}

TEST_F(Reset, AnAbortThatFoundNoBufferIsTriedAgain) {
  leg().abort(ErrorCode::tcp_aborted);
  sink_is_full = true;
  expect_nothing();
  EXPECT_NE(leg().next_deadline(), kNever);
  sink_is_full = false;
  wait_for_deadline();
  EXPECT_EQ(expect_one().flags, kRst | kAck);
}

TEST_F(Reset, AfterAnAbortThePeersAckTellsWhichResetItTakes) {
  write(pattern(3'000));
  output();
  leg().abort(ErrorCode::tcp_aborted);
  output();
  peer_sends({.ack = 1'000});  // the rest was lost, so our reset was not exact
  const Out out = expect_one();
  EXPECT_EQ(out.flags & kRst, kRst);
  EXPECT_EQ(out.seq, 1'000u);
}

TEST_F(Reset, TwoAbortsAreOne) {
  leg().abort(ErrorCode::tcp_aborted);
  leg().abort(ErrorCode::rule_denied);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_aborted);
  EXPECT_EQ(output().size(), 1u);
}

TEST_F(Reset, AClosedLegTakesCallsAndDoesNothing) {
  peer_sends({.flags = kRst});
  write("too late");
  leg().finish();
  leg().abort(ErrorCode::tcp_aborted);
  leg().on_timer(now + 1'000 * kSecond);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_reset_by_peer);
  EXPECT_EQ(peer_sends({.text = "more"}), ErrorCode::tcp_out_of_window);
  expect_nothing();
}

TEST_F(Reset, InTimeWaitItJustEndsTheWait) {
  leg().finish();
  output();
  peer_sends({.ack = 1, .flags = kAck | kFin});
  peer_sends({.flags = kRst});
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::ok);
}

TEST_F(Reset, InsteadOfTheLastAckItIsAnOrderlyEnd) {
  peer_sends({.flags = kAck | kFin});
  leg().finish();
  output();
  peer_sends({.flags = kRst});
  EXPECT_EQ(leg().state(), LegState::closed);
  EXPECT_EQ(leg().closed_by(), ErrorCode::ok);
}

TEST_F(Reset, WithBytesInFlightItIsNoOrderlyEnd) {
  peer_sends({.flags = kAck | kFin});
  write("unheard");
  leg().finish();
  output();
  peer_sends({.flags = kRst});
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_reset_by_peer);
}

TEST_F(Reset, TwoEndsThatDisagreeDoNotChatter) {
  peer_sends({.text = "x"});
  output();
  int answers = 0;
  for (int i = 0; i < 1'000; ++i) {
    peer_sends({.seq = 100'000});
    answers += static_cast<int>(output().size());
  }
  EXPECT_LE(answers, 1);
}

}  // namespace
}  // namespace sluice::tcp::test
