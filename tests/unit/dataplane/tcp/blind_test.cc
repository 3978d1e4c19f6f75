// What someone off the path can try who guesses numbers (RFC 5961), in every state that a leg has; and what a peer asks
// that only wants to know whether we live.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Blind : public LegTest {
 protected:
  void end_as_first() {
    leg().finish();
    output();
    peer_sends({.ack = 1, .flags = kAck | kFin});
    expect_ack(1);
    ASSERT_EQ(leg().state(), LegState::time_wait);
    now += kSecond;
  }
};

// Section 4.2: whatever its number is, and no more often than other challenges.
TEST_F(Blind, ASynAnywhereIsChallengedButRarely) {
  EXPECT_EQ(peer_sends({.seq = 2'000'000'000, .flags = kSyn}), ErrorCode::tcp_out_of_window);
  expect_ack(0);
  for (std::uint32_t i = 1; i < 50; ++i) peer_sends({.seq = 2'000'000'000 + i, .flags = kSyn});
  expect_nothing();
  now += kSecond;
  peer_sends({.seq = static_cast<std::uint32_t>(-2'000), .flags = kSyn});
  expect_ack(0);
}

TEST_F(Blind, ASynBringsNoData) {
  peer_sends({.seq = 0, .text = "evil", .flags = kSyn | kAck});
  EXPECT_EQ(leg().readable_bytes(), 0u);
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(Blind, ASynBehindAHoleIsChallenged) {
  peer_sends({.seq = 100, .text = "early"});
  output();
  EXPECT_EQ(peer_sends({.seq = 0, .flags = kSyn}), ErrorCode::tcp_out_of_window);
  expect_ack(0);
}

TEST_F(Blind, ASynAfterThePeersFinIsChallenged) {
  peer_sends({.flags = kAck | kFin});
  expect_ack(1);
  peer_sends({.seq = 1, .flags = kSyn});
  expect_ack(1);
  EXPECT_TRUE(leg().read_finished());
}

TEST_F(Blind, ASynAfterOurFinIsChallenged) {
  leg().finish();
  output();
  peer_sends({.seq = 0, .flags = kSyn});
  EXPECT_EQ(expect_one().flags, kAck);
  EXPECT_FALSE(leg().finished());
}

// Whether a new connection may take the place is the session's to say (RFC 6191), not the leg's.
TEST_F(Blind, ASynInTimeWaitIsChallenged) {
  end_as_first();
  peer_sends({.seq = 1, .flags = kSyn});
  expect_ack(1);
  EXPECT_EQ(leg().state(), LegState::time_wait);
}

TEST_F(Blind, ASynAfterTheEndIsNothing) {
  peer_sends({.flags = kRst});
  EXPECT_EQ(leg().state(), LegState::closed);
  peer_sends({.flags = kSyn});
  expect_nothing();
}

// Section 3.2: behind a hole, the number that counts is still the next one expected.
TEST_F(Blind, AResetAtTheEndOfWhatIsEarlyIsChallenged) {
  peer_sends({.seq = 100, .text = "early"});
  output();
  peer_sends({.seq = 105, .flags = kRst});
  expect_ack(0);
  EXPECT_EQ(leg().state(), LegState::open);
  peer_sends({.seq = 0, .flags = kRst});
  EXPECT_EQ(leg().state(), LegState::closed);
}

TEST_F(Blind, AResetAtTheVeryEdgeOfTheWindowIsChallengedAndBeyondItIsNothing) {
  peer_sends({.seq = 65'536, .flags = kRst});
  expect_nothing();
  peer_sends({.seq = 65'535, .flags = kRst});
  expect_ack(0);
  EXPECT_EQ(leg().state(), LegState::open);
}

// Section 5.2: an ACK is acceptable from the largest window ever below what is unacknowledged, to what was sent.
TEST_F(Blind, DataWithAnAckOfTheLastWindowIsTaken) {
  write(pattern(3'000));
  output();
  peer_sends({.ack = 3'000});
  EXPECT_EQ(peer_sends({.ack = 1, .text = "late"}), ErrorCode::ok);
  EXPECT_EQ(read(), "late");
}

TEST_F(Blind, DataWithAnAckBeforeTheLargestWindowIsChallengedAndNotTaken) {
  EXPECT_EQ(peer_sends({.ack = static_cast<std::uint32_t>(-65'536), .text = "evil"}), ErrorCode::tcp_bad_ack);
  expect_ack(0);
  EXPECT_EQ(leg().readable_bytes(), 0u);
}

TEST_F(Blind, AFinWithAnAckOfTheFutureEndsNothing) {
  EXPECT_EQ(peer_sends({.seq = 0, .ack = 1, .flags = kAck | kFin}), ErrorCode::tcp_bad_ack);
  EXPECT_FALSE(leg().read_finished());
}

TEST_F(Blind, AllKindsOfChallengesShareOneLimit) {
  peer_sends({.seq = 10, .flags = kRst});
  expect_ack(0);
  peer_sends({.seq = 0, .flags = kSyn});
  peer_sends({.seq = 0, .ack = 1, .text = "evil"});
  peer_sends({.seq = 10, .flags = kRst});
  expect_nothing();
}

TEST_F(Blind, AKeepaliveIsAnsweredAfterThePeersFin) {
  peer_sends({.flags = kAck | kFin});
  expect_ack(1);
  now += kSecond;
  peer_sends({.seq = 0});
  expect_ack(1);
}

TEST_F(Blind, AKeepaliveIsAnsweredWithAZeroWindow) {
  limits.receive_bytes = 1'000;
  setup.receive_window = 1'000;
  peer_sends({.text = pattern(1'000)});
  EXPECT_EQ(expect_one().window, 0u);
  now += kSecond;
  peer_sends({.seq = 999});
  const Out out = expect_one();
  EXPECT_EQ(out.ack, 1'000u);
  EXPECT_EQ(out.window, 0u);
}

TEST_F(Blind, AKeepaliveIsAnsweredInTimeWait) {
  end_as_first();
  peer_sends({.seq = 0});
  expect_ack(1);
  EXPECT_EQ(leg().state(), LegState::time_wait);
}

}  // namespace
}  // namespace sluice::tcp::test
