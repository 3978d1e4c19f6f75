// The window that we offer.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Window : public LegTest {
 protected:
  Window() { limits.receive_bytes = setup.receive_window = 10'000; }
};

TEST_F(Window, ShrinksByWhatIsUnread) {
  peer_sends({.text = pattern(4'000)});
  EXPECT_EQ(expect_one().window, 6'000);
}

TEST_F(Window, ShrinksByWhatWaitsDownstream) {
  peer_sends({.text = pattern(4'000)});
  read();
  leg().set_downstream_bytes(4'000);
  EXPECT_EQ(expect_one().window, 6'000);
}

TEST_F(Window, StaysOpenWhileBytesAreReadAtOnce) {
  for (int i = 0; i < 20; ++i) {
    peer_sends({.text = pattern(kMss)});
    read();
    EXPECT_EQ(expect_one().window, 10'000);
  }
}

TEST_F(Window, ItsRightEdgeNeverRetreats) {
  start();
  leg().set_downstream_bytes(9'000);  // e.g. bytes that a mask inserted
  peer_sends({.text = pattern(2'000)});
  EXPECT_EQ(expect_one().window, 8'000) << "promised before, so still open";
  EXPECT_EQ(peer_sends({.text = pattern(8'000)}), ErrorCode::ok);
  EXPECT_EQ(expect_one().window, 0);
}

TEST_F(Window, OutOfOrderBytesLieInsideItAndAreNotCountedTwice) {
  peer_sends({.seq = 1'000, .text = pattern(5'000)});
  EXPECT_EQ(expect_one().window, 10'000);
}

TEST_F(Window, OpensWithItsOwnSegmentWhenTwoSegmentsFit) {
  peer_sends({.text = pattern(10'000)});
  EXPECT_EQ(expect_one().window, 0);
  read(1'999);
  expect_nothing();
  read(1);
  const Out update = expect_one();
  EXPECT_EQ(update.window, 2'000);
  EXPECT_EQ(update.ack, 10'000u);
  expect_nothing();
}

TEST_F(Window, OpensByHalfOfASmallBuffer) {
  limits.receive_bytes = setup.receive_window = 100;
  peer_sends({.text = pattern(100)});
  output();
  read(49);
  expect_nothing();
  read(1);
  EXPECT_EQ(expect_one().window, 50);
}

TEST_F(Window, AnUpdateWaitsWhileThePeerHasHalfAWindowLeft) {
  peer_sends({.text = pattern(4'000)});
  EXPECT_EQ(expect_one().window, 6'000);
  read();
  expect_nothing();
  peer_sends({.text = "x"});
  EXPECT_EQ(expect_one().window, 9'999) << "the next ACK tells it";
}

TEST_F(Window, DoesNotOpenByACrumb) {
  peer_sends({.text = pattern(10'000)});
  output();
  read(500);
  peer_sends({.seq = 9'999, .text = "?"});  // a probe asks
  EXPECT_EQ(expect_one().window, 0) << "RFC 1122 section 4.2.3.3";
}

TEST_F(Window, AZeroWindowProbeIsAnsweredWithTheWindow) {
  peer_sends({.text = pattern(10'000)});
  output();
  for (int i = 0; i < 3; ++i) {
    now += kSecond;
    EXPECT_EQ(peer_sends({.seq = 10'000, .text = "p"}), ErrorCode::tcp_out_of_window);
    EXPECT_EQ(expect_one().window, 0);
    now += kSecond;
    peer_sends({.seq = 9'999});
    EXPECT_EQ(expect_one().window, 0);
  }
}

TEST_F(Window, AnAckIsHeardThroughAZeroWindow) {
  write("x");
  output();
  peer_sends({.text = pattern(10'000)});
  output();
  EXPECT_EQ(peer_sends({.ack = 1}), ErrorCode::ok);
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

TEST_F(Window, IsScaled) {
  setup.receive_shift = 7;
  limits.receive_bytes = setup.receive_window = 1u << 20;
  peer_sends({.text = pattern(1280)});
  EXPECT_EQ(expect_one().window, (1u << 13) - 10);
}

TEST_F(Window, RoundsUpSoThatAScaledEdgeDoesNotRetreat) {
  setup.receive_shift = 7;
  limits.receive_bytes = setup.receive_window = 128 * 100;
  peer_sends({.text = "1"});
  EXPECT_EQ(expect_one().window, 100);
}

TEST_F(Window, RoundingDoesNotCreepBeyondTheLimit) {
  setup.receive_shift = 7;
  limits.receive_bytes = setup.receive_window = 128 * 4;
  for (int i = 0; i < 5'000; ++i) {
    peer_sends({.text = "1"});
    output();
  }
  EXPECT_LE(leg().readable_bytes(), 128u * 6);
}

TEST_F(Window, OfLessThanOneUnitOfItsScaleBecomesOneUnit) {
  setup.receive_shift = 14;
  limits.receive_bytes = setup.receive_window = 500;
  peer_sends({.text = pattern(500)});
  read();
  EXPECT_EQ(expect_one().window, 1);
}

TEST_F(Window, FallsWithTheMemoryThatIsPinned) {
  limits.receive_bytes = setup.receive_window = 60'000;
  limits.pinned_bytes = 64u << 10;
  start();
  leg().set_downstream_bytes(10, 60u << 10);
  peer_sends({.text = pattern(100)});
  read();
  EXPECT_EQ(expect_one().window, 59'900) << "promised";
  for (int i = 0; i < 59; ++i) {
    peer_sends({.text = pattern(1'000)});
    read();
    output();
  }
  peer_sends({.text = "x"});
  EXPECT_LE(expect_one().window, 4u << 10);
}

TEST_F(Window, NoUpdateIsSentForAWindowThatTheHandshakePromised) {
  limits.receive_bytes = 1u << 20;
  setup.receive_shift = 7;
  expect_nothing();
}

}  // namespace
}  // namespace sluice::tcp::test
