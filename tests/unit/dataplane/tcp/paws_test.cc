// Segments of the past and of strangers: PAWS (RFC 7323 section 5) and blind data (RFC 5961 section 5).
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Paws : public LegTest {
 protected:
  Paws() {
    setup.timestamps = true;
    setup.ts_recent = 1'000;
  }
};

TEST_F(Paws, ASegmentWithAnOlderTimestampIsNotTaken) {
  peer_sends({.text = "new", .ts_value = 2'000});
  expect_ack(3);
  EXPECT_EQ(peer_sends({.seq = 3, .text = "old", .ts_value = 1'999}), ErrorCode::tcp_old_timestamp);
  expect_ack(3);
  EXPECT_EQ(read(), "new");
}

TEST_F(Paws, AnAckWithAnOlderTimestampAcknowledgesNothing) {
  write("answer");
  output();
  EXPECT_EQ(peer_sends({.ack = 6, .ts_value = 999}), ErrorCode::tcp_old_timestamp);
  EXPECT_EQ(leg().unacknowledged_bytes(), 6u);
}

TEST_F(Paws, TheSameTimestampIsTaken) {
  peer_sends({.text = "a", .ts_value = 1'000});
  peer_sends({.text = "b", .ts_value = 1'000});
  EXPECT_EQ(read(), "ab");
}

TEST_F(Paws, TimestampsWrap) {
  setup.ts_recent = 0xfffffff0;
  peer_sends({.text = "a", .ts_value = 5});
  EXPECT_EQ(peer_sends({.seq = 1, .text = "b", .ts_value = 0xfffffff0}), ErrorCode::tcp_old_timestamp);
  EXPECT_EQ(read(), "a");
}

TEST_F(Paws, AfterTwentyFourDaysAnyTimestampIsTaken) {
  start();
  now += 25 * 86'400 * kSecond;
  EXPECT_EQ(peer_sends({.text = "awake", .ts_value = 900}), ErrorCode::ok);
  EXPECT_EQ(read(), "awake");
}

TEST_F(Paws, AnEarlySegmentDoesNotMakeTheMissingOneOld) {
  peer_sends({.seq = 4, .text = "late", .ts_value = 3'000});
  EXPECT_EQ(peer_sends({.seq = 0, .text = "lost", .ts_value = 2'000}), ErrorCode::ok);
  EXPECT_EQ(read(), "lostlate");
}

TEST_F(Paws, AnAckThatWasOvertakenIsNoFaultAndHasNothingToSay) {
  write("answer");
  output();
  peer_sends({.ack = 6, .ts_value = 2'001});
  EXPECT_EQ(peer_sends({.ack = 3, .window = 1, .ts_value = 2'000}), ErrorCode::ok);
  expect_nothing();
  write("more");
  EXPECT_EQ(expect_one().ts_echo, 2'001u);
}

TEST_F(Paws, TheFirstCopyThatComesAfterTheSecondIsToldAsARepetition) {
  setup.sack = true;
  peer_sends({.text = "twice", .ts_value = 3'000});  // the retransmission
  expect_ack(5);
  EXPECT_EQ(peer_sends({.seq = 0, .text = "twice", .ts_value = 2'000}), ErrorCode::tcp_old_timestamp);
  EXPECT_EQ(expect_one().sack, (std::vector<wire::SackBlock>{{0, 5}}));
  EXPECT_EQ(read(), "twice");
}

TEST_F(Paws, ASegmentWithoutATimestampIsJudgedByItsNumbers) {
  EXPECT_EQ(peer_sends({.text = "bare"}), ErrorCode::ok);
  EXPECT_EQ(read(), "bare");
}

TEST_F(Paws, AResetIsJudgedByItsNumberAlone) {
  EXPECT_EQ(peer_sends({.flags = kRst, .ts_value = 1}), ErrorCode::ok);
  EXPECT_EQ(leg().state(), LegState::closed);
}

TEST_F(Paws, WithoutTimestampsNothingIsOld) {
  setup.timestamps = false;
  EXPECT_EQ(peer_sends({.text = "a", .ts_value = 1}), ErrorCode::ok);
  EXPECT_EQ(read(), "a");
}

TEST_F(Paws, BlindDataWithAnAckOfLongAgoIsChallenged) {
  write("x");
  output();
  EXPECT_EQ(peer_sends({.ack = 0x80000000, .text = "injected", .ts_value = 1'000}), ErrorCode::tcp_bad_ack);
  expect_ack(0);
  EXPECT_EQ(leg().readable_bytes(), 0u);
  EXPECT_EQ(peer_sends({.seq = 0, .ack = 1'000, .text = "injected", .ts_value = 1'000}), ErrorCode::tcp_bad_ack)
      << "and so is one of bytes that were never sent";
  EXPECT_EQ(leg().readable_bytes(), 0u);
}

}  // namespace
}  // namespace sluice::tcp::test
