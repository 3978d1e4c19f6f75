// Retransmissions that proved needless, peers that take back what they told, and peers without SACK.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Spurious : public LegTest {
 protected:
  Spurious() {
    setup.sack = true;
    limits.congestion = CongestionControl::new_reno;  // halves, so that a reduction shows
    limits.burst_bytes = kMss;
  }

  // Ten segments in flight, and a timeout (after the probe, where there is one).
  void time_out() {
    in_flight(10'000, 1'000);
    wait_until_sent_again(1'000);
  }
  std::size_t flight_of_new_bytes(std::uint32_t from) {
    write(pattern(30'000, from));
    return output().size();
  }
};

TEST_F(Spurious, ATimeoutWhoseRetransmissionsWereAllRepeatedIsUndone) {
  measure();
  time_out();
  now += kRtt;
  peer_sends({.ack = 11'000});  // all had arrived
  peer_sends({.ack = 11'000, .sack = {{1'000, 2'000}}});
  EXPECT_GE(flight_of_new_bytes(11'000), 10u);
}

TEST_F(Spurious, WithoutAnyProofTheTimeoutStands) {
  measure();
  time_out();
  now += kRtt;
  peer_sends({.ack = 11'000});
  EXPECT_LT(flight_of_new_bytes(11'000), 8u);
}

TEST_F(Spurious, ADsackOfSomethingElseProvesNothing) {
  measure();
  time_out();
  now += kRtt;
  peer_sends({.ack = 11'000});
  peer_sends({.ack = 11'000, .sack = {{0, 1'000}}});
  EXPECT_LT(flight_of_new_bytes(11'000), 8u);
}

TEST_F(Spurious, AnEchoOlderThanTheRetransmissionUndoesATimeout) {
  setup.timestamps = true;
  setup.mss = kMss + 12;
  setup.ts_value = 100;
  measure();
  in_flight(10'000, 1'000);
  leg().set_ts_value(200);  // of a later moment
  wait_until_sent_again(1'000);
  now += kMillisecond;
  peer_sends({.ack = 3'000, .ts_value = 1, .ts_echo = 100});
  const std::vector<Out> sent = output();
  for (const Out& out : sent) EXPECT_GE(out.seq, 11'000u) << "nothing more goes again";
  now += kMillisecond;
  peer_sends({.ack = 11'000, .ts_value = 1, .ts_echo = 100});
  EXPECT_GE(flight_of_new_bytes(11'000), 9u) << "RFC 4015: the window is what it was";
}

TEST_F(Spurious, AnEchoOfTheRetransmissionLeavesTheTimeoutStanding) {
  setup.timestamps = true;
  setup.mss = kMss + 12;
  setup.ts_value = 100;
  measure();
  in_flight(10'000, 1'000);
  leg().set_ts_value(200);
  wait_until_sent_again(1'000);
  now += kMillisecond;
  peer_sends({.ack = 2'000, .ts_value = 1, .ts_echo = 200});
  for (const Out& out : output()) EXPECT_LT(out.seq, 11'000u) << "the rest goes again";
}

TEST_F(Spurious, AFastRetransmissionThatWasReorderingIsUndone) {
  measure();
  in_flight(10'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 5'000}}});
  EXPECT_EQ(output().size(), 1u);
  peer_sends({.ack = 5'000});  // late, not lost
  now += kRtt;
  peer_sends({.ack = 11'000});
  peer_sends({.ack = 11'000, .sack = {{1'000, 2'000}}});
  EXPECT_GE(flight_of_new_bytes(11'000), 10u);
}

TEST_F(Spurious, RepeatedBytesMakeTheReorderingWindowLarger) {
  measure();
  in_flight(5'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 6'000}}});
  EXPECT_EQ(expect_one().seq, 1'000u);
  peer_sends({.ack = 6'000});
  peer_sends({.ack = 6'000, .sack = {{1'000, 2'000}}});
  in_flight(5'000, 6'000);
  now += kRtt;
  peer_sends({.ack = 6'000, .sack = {{7'000, 11'000}}});
  expect_nothing();
  const DurationNs waited = wait_for_deadline();
  EXPECT_GE(waited, kRtt / 2 - kMillisecond) << "two quarters now (RFC 8985 section 6.2)";
  EXPECT_EQ(expect_one().seq, 6'000u);
}

TEST_F(Spurious, APeerThatTakesBackWhatItToldGetsItAgain) {
  measure();
  in_flight(5'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .sack = {{2'000, 6'000}}});
  EXPECT_EQ(expect_one().seq, 1'000u);
  now += kRtt;
  peer_sends({.ack = 2'000});  // and no block any more: it dropped [2000, 6000)
  std::string got = pattern(1'000, 1'000);
  for (int i = 0; i < 20 && got.size() < 5'000; ++i) {
    for (const Out& out : wait(2 * kSecond))
      if (!out.text.empty() && out.seq == 1'000 + got.size()) got += out.text;
    peer_sends({.ack = 1'000 + static_cast<std::uint32_t>(got.size())});
    for (const Out& out : output())
      if (out.seq == 1'000 + got.size()) got += out.text;
    peer_sends({.ack = 1'000 + static_cast<std::uint32_t>(got.size())});
  }
  EXPECT_EQ(got, pattern(5'000, 1'000));
}

TEST_F(Spurious, WithoutSackDuplicatesStandForDeliveredSegments) {
  setup.sack = false;
  measure();
  write(pattern(60'000, 1'000));
  EXPECT_EQ(output().size(), 10u);
  now += kRtt;
  std::size_t sent = 0;
  for (int i = 0; i < 9; ++i) {
    peer_sends({.ack = 1'000});
    sent += output().size();
  }
  EXPECT_GE(sent, 4u) << "the hole, and new bytes as PRR allows";
  EXPECT_LE(sent, 7u);
  now += kRtt;
  peer_sends({.ack = 11'000});
  EXPECT_GE(output().size(), 1u);
}

TEST_F(Spurious, WithoutSackThereIsNoProbe) {
  setup.sack = false;
  measure();
  in_flight(3'000, 1'000);
  EXPECT_GE(wait_for_deadline(), 200 * kMillisecond);
  EXPECT_EQ(expect_one().seq, 1'000u) << "the timeout";
}

TEST_F(Spurious, BlocksOfAPeerThatDidNotPermitThemAreNotRead) {
  setup.sack = false;
  measure();
  in_flight(8'000, 1'000);
  now += kRtt;
  peer_sends({.ack = 1'000, .window = 65'000, .sack = {{2'000, 9'000}}});
  expect_nothing();
}

}  // namespace
}  // namespace sluice::tcp::test
