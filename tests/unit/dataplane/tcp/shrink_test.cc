// A peer that takes back a window that it offered (RFC 9293 section 3.8.6, "shrinking the window"): new bytes wait,
// what is in flight beyond the new edge is still repeated and still acknowledged, and nothing is given up for it.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Shrink : public LegTest {
 protected:
  Shrink() {
    setup.sack = true;
    limits.burst_bytes = kMss;
  }
  // Five segments in flight, and more that wait.
  void fly() {
    setup.send_window = 5'000;
    write(pattern(9'000));
    EXPECT_EQ(output().size(), 5u);
  }
};

TEST_F(Shrink, NewBytesWaitBehindTheNewEdge) {
  fly();
  peer_sends({.ack = 1'000, .window = 2'000});  // up to 3 000, where 5 000 were sent
  expect_nothing();
  peer_sends({.ack = 4'000, .window = 1'000});  // the edge is where the flight ends
  expect_nothing();
  peer_sends({.ack = 5'000, .window = 2'000});
  EXPECT_EQ(output().size(), 2u);
}

TEST_F(Shrink, AnAckOfBytesBeyondTheNewEdgeCounts) {
  fly();
  peer_sends({.ack = 0, .window = 500});
  peer_sends({.ack = 5'000, .window = 500});
  EXPECT_EQ(leg().unacknowledged_bytes(), 4'000u);
}

TEST_F(Shrink, ALostSegmentBeyondTheNewEdgeIsSentAgain) {
  fly();
  now += kRtt;
  peer_sends({.ack = 1'000, .window = 500, .sack = {{2'000, 5'000}}});
  const Out again = expect_one();
  EXPECT_EQ(again.seq, 1'000u);
  EXPECT_EQ(again.text, pattern(1'000, 1'000)) << "RFC 9293: do not shrink what was sent";
}

TEST_F(Shrink, ToNothingWithBytesInFlightTheTimeoutGoesOn) {
  fly();
  peer_sends({.ack = 1'000, .window = 0});
  expect_nothing();
  wait_until_sent_again(1'000);
}

TEST_F(Shrink, ToNothingWithNothingInFlightIsProbed) {
  fly();
  peer_sends({.ack = 5'000, .window = 0});
  expect_nothing();
  wait_for_deadline();
  const Out probe = expect_one();
  EXPECT_LE(probe.text.size(), 1u);
  peer_sends({.ack = 5'000, .window = 4'000});
  std::size_t bytes = 0;
  for (const Out& out : output()) bytes += out.text.size();
  EXPECT_EQ(bytes, 4'000u);
}

TEST_F(Shrink, AWindowThatStaysShrunkenForMinutesIsNoFault) {
  fly();
  peer_sends({.ack = 5'000, .window = 0});
  for (int minute = 0; minute < 20; ++minute) {
    wait(kSecond * 60);
    peer_sends({.ack = 5'000, .window = 0});
  }
  EXPECT_EQ(leg().state(), LegState::open);
  peer_sends({.ack = 5'000, .window = 60'000});
  EXPECT_FALSE(output().empty());
}

// RFC 9293 section 3.10.7.4 (SND.WL1 and SND.WL2): the order in which windows were told decides, not their size.
TEST_F(Shrink, AnOlderAndLargerOfferDoesNotUndoIt) {
  fly();
  peer_sends({.ack = 5'000, .window = 0});
  peer_sends({.ack = 3'000, .window = 60'000});  // was overtaken
  expect_nothing();
}

TEST_F(Shrink, TheFinWaitsForTheWindowToo) {
  setup.send_window = 2'000;
  write(pattern(2'000));
  output();
  peer_sends({.ack = 2'000, .window = 0});
  leg().finish();
  expect_nothing();
  peer_sends({.ack = 2'000, .window = 1'000});
  EXPECT_EQ(expect_one().flags & kFin, kFin);
}

}  // namespace
}  // namespace sluice::tcp::test
