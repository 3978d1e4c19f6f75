// Probes of an idle connection where they are to go on to the other peer. (Those that are answered: receive_test,
// blind_test.)
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Keepalive : public LegTest {
 protected:
  Keepalive() { limits.relay_keepalives = true; }
};

TEST_F(Keepalive, WaitsForTheOtherPeersAnswer) {
  peer_sends({.text = "x"});
  output();
  EXPECT_FALSE(leg().take_keepalive());
  EXPECT_EQ(peer_sends({.seq = 0}), ErrorCode::ok);
  expect_nothing();
  EXPECT_TRUE(leg().take_keepalive());
  EXPECT_FALSE(leg().take_keepalive());
  leg().answer_keepalive();
  expect_ack(1);
}

TEST_F(Keepalive, TheKindWithAByteOfGarbageIsOneToo) {
  peer_sends({.text = "x"});
  output();
  EXPECT_EQ(peer_sends({.seq = 0, .text = "?"}), ErrorCode::ok);
  expect_nothing();
  EXPECT_TRUE(leg().take_keepalive());
}

TEST_F(Keepalive, OfOursIsEmptyAndJustBeforeWhatThePeerExpects) {
  write("abc");
  output();
  peer_sends({.ack = 3});
  leg().send_keepalive();
  const Out probe = expect_one();
  EXPECT_EQ(probe.seq, 2u);
  EXPECT_EQ(probe.text, "");
  EXPECT_EQ(probe.flags, kAck);
  expect_nothing();
  EXPECT_EQ(leg().next_deadline(), kNever) << "whoever asked asks again";
}

TEST_F(Keepalive, ARetransmissionIsNone) {
  peer_sends({.text = "hello"});
  output();
  EXPECT_EQ(peer_sends({.seq = 0, .text = "hello"}), ErrorCode::tcp_out_of_window);
  expect_ack(5);
  EXPECT_FALSE(leg().take_keepalive());
}

TEST_F(Keepalive, AfterTheEndNoneIsSentOrAnswered) {
  leg().abort(ErrorCode::tcp_aborted);
  output();
  leg().send_keepalive();
  leg().answer_keepalive();
  expect_nothing();
}

}  // namespace
}  // namespace sluice::tcp::test
