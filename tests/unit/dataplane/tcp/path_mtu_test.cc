// What the network tells of segments that it did not deliver: believed within the flight, never more than noted but for
// the size of a segment, which goes down at once and comes back after a while.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

constexpr DurationNs kRtt = 40 * kMillisecond;

class PathMtuTest : public LegTest {
 protected:
  PathMtuTest() { setup.sack = true; }

  // One exchange, so that the round trip is known; the stream begins at 1 000 then.
  void measure() {
    in_flight(1'000);
    now += kRtt;
    peer_sends({.ack = 1'000});
  }
  ErrorCode network_says(wire::IcmpKind kind, std::uint32_t seq, std::uint32_t mtu = 0, bool ipv4 = true) {
    wire::IcmpError error;
    error.kind = kind;
    error.seq = kOurBase + seq;
    error.mtu = mtu;
    error.source = ipv4 ? IpAddress(0x0a000041U) : IpAddress{0x2001'0db8'0000'0001, 0x41};
    error.packet_bytes = 1'040;
    return leg().input_error(error, now);
  }
  ErrorCode too_big(std::uint32_t seq, std::uint32_t mtu, bool ipv4 = true) {
    return network_says(wire::IcmpKind::too_big, seq, mtu, ipv4);
  }
  // All that goes out, put together; every segment of it would be cut at `mss`.
  std::string sent_again(std::uint32_t begin, std::uint16_t mss) {
    std::string text;
    for (const Out& out : output()) {
      EXPECT_EQ(out.seq, begin + text.size());
      EXPECT_EQ(out.mss, mss);
      text += out.text;
    }
    return text;
  }
};

TEST_F(PathMtuTest, WhatWasTooLargeGoesAgainAtOnceInSmallerSegments) {
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(1'000, 840), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 800);
  EXPECT_EQ(sent_again(1'000, 800), pattern(4'000, 1'000));
}

TEST_F(PathMtuTest, ASegmentFromTheMiddleOfTheFlightTellsOfAllOfIt) {
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(3'000, 840), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(sent_again(1'000, 800), pattern(4'000, 1'000));
}

TEST_F(PathMtuTest, WhatFitsWasNotDropped) {
  measure();
  in_flight(500, 1'000);
  now += kRtt / 4;
  in_flight(2'000, 1'500);
  now += kRtt / 4;
  EXPECT_EQ(too_big(1'500, 840), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(sent_again(1'500, 800), pattern(2'000, 1'500));
}

TEST_F(PathMtuTest, WithoutSegmentationByThePortEverySegmentFits) {
  limits.burst_bytes = kMss;
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(1'000, 840), ErrorCode::icmp_path_mtu);
  for (const Out& out : output()) EXPECT_LE(out.text.size(), 800U);
}

TEST_F(PathMtuTest, ItIsNoCongestion) {
  limits.congestion = CongestionControl::new_reno;
  measure();
  in_flight(40'000, 1'000);
  const LegInfo before = leg().info();
  EXPECT_EQ(too_big(1'000, 840), ErrorCode::icmp_path_mtu);
  output();
  now += kRtt;
  peer_sends({.ack = 1'000 + before.in_flight_bytes});
  output();
  const LegInfo after = leg().info();
  EXPECT_FALSE(after.in_recovery);
  EXPECT_EQ(after.slow_start_threshold_bytes, before.slow_start_threshold_bytes);
  EXPECT_GE(after.congestion_window_bytes, before.congestion_window_bytes);
}

TEST_F(PathMtuTest, NorWhereWhatIsLostFindsNoRoomAtOnce) {
  measure();
  in_flight(4'000, 1'000);
  const LegInfo before = leg().info();
  EXPECT_EQ(too_big(1'000, 840), ErrorCode::icmp_path_mtu);
  sink_is_full = true;
  expect_nothing();
  peer_sends({.ack = 1'000, .window = 60'000});
  sink_is_full = false;
  EXPECT_EQ(sent_again(1'000, 800), pattern(4'000, 1'000));
  EXPECT_EQ(leg().info().slow_start_threshold_bytes, before.slow_start_threshold_bytes);
}

TEST_F(PathMtuTest, ALossThatComesOnTopIsOne) {
  measure();
  in_flight(4'000, 1'000);
  too_big(1'000, 840);
  output();
  now += kRtt;
  peer_sends({.ack = 1'800});
  in_flight(4'000, 5'000);
  now += kRtt;
  peer_sends({.ack = 1'800, .sack = {{5'000, 9'000}}});
  EXPECT_TRUE(leg().info().in_recovery);
}

TEST_F(PathMtuTest, DuplicatesOfWhatGotThroughAreNoLoss) {
  setup.sack = false;
  measure();
  in_flight(4'000, 1'000);
  too_big(1'000, 840);
  output();
  for (int i = 0; i < 4; ++i) peer_sends({.ack = 1'000});
  expect_nothing();
  EXPECT_FALSE(leg().info().in_recovery);
}

TEST_F(PathMtuTest, EveryHopThatIsSmallerLowersItFurther) {
  measure();
  in_flight(4'000, 1'000);
  too_big(1'000, 940);
  output();
  EXPECT_EQ(too_big(1'000, 640), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(sent_again(1'000, 600), pattern(4'000, 1'000));
}

TEST_F(PathMtuTest, ItNeverGoesUp) {
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(1'000, 9'000), ErrorCode::icmp_noted);
  EXPECT_EQ(leg().mss(), 1'000);
  too_big(1'000, 840);
  output();
  EXPECT_EQ(too_big(1'000, 1'000), ErrorCode::icmp_noted);
  EXPECT_EQ(too_big(1'000, 840), ErrorCode::icmp_noted) << "the next segment of the same flight";
  EXPECT_EQ(leg().mss(), 800);
  expect_nothing();
}

TEST_F(PathMtuTest, ARouterThatTellsNoSizeMeansTheNextCommonOne) {
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(1'000, 0), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 1'006 - 40);
  output();
  EXPECT_EQ(too_big(1'000, 0), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 552 - 40);
  output();
  EXPECT_EQ(too_big(1'000, 0), ErrorCode::icmp_noted);
}

TEST_F(PathMtuTest, NobodyMakesUsSendTinySegments) {
  measure();
  in_flight(4'000, 1'000);
  EXPECT_EQ(too_big(1'000, 68), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 512);
}

TEST_F(PathMtuTest, Ipv6PathsTake1280) {
  setup.mss = 1'440;
  in_flight(4'000);
  EXPECT_EQ(too_big(0, 1'279, false), ErrorCode::icmp_blind) << "RFC 8201 section 4";
  EXPECT_EQ(too_big(0, 0, false), ErrorCode::icmp_blind);
  EXPECT_EQ(too_big(0, 1'280, false), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 1'220);
}

TEST_F(PathMtuTest, TimestampsTakeTheirRoom) {
  setup.timestamps = true;
  in_flight(4'000);
  EXPECT_EQ(too_big(0, 840), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(leg().mss(), 788);
}

TEST_F(PathMtuTest, AfterTenMinutesTheLargerSizeIsTriedAgain) {
  measure();
  in_flight(4'000, 1'000);
  too_big(1'000, 840);
  output();
  peer_sends({.ack = 5'000});
  now += 599 * kSecond;
  write(pattern(2'000, 5'000));
  EXPECT_EQ(sent_again(5'000, 800), pattern(2'000, 5'000));
  peer_sends({.ack = 7'000});
  now += 2 * kSecond;
  write(pattern(2'000, 7'000));
  EXPECT_EQ(sent_again(7'000, 1'000), pattern(2'000, 7'000));
  EXPECT_EQ(too_big(7'000, 840), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(sent_again(7'000, 800), pattern(2'000, 7'000));
}

TEST_F(PathMtuTest, WhatIsNotInFlightIsBlind) {
  measure();
  in_flight(4'000, 1'000);
  for (const std::uint32_t seq : {0U, 999U, 5'000U, 5'001U, 0x7fffffffU})
    EXPECT_EQ(too_big(seq, 840), ErrorCode::icmp_blind) << seq;
  EXPECT_EQ(network_says(wire::IcmpKind::unreachable, 999), ErrorCode::icmp_blind);
  EXPECT_EQ(network_says(wire::IcmpKind::unreachable, 5'001), ErrorCode::icmp_blind);
  EXPECT_EQ(leg().mss(), 1'000);
  EXPECT_EQ(leg().info().network_errors, 0U);
}

TEST_F(PathMtuTest, NothingElseThatTheNetworkSaysEndsAConnection) {
  measure();
  in_flight(4'000, 1'000);
  for (const auto kind :
       {wire::IcmpKind::unreachable, wire::IcmpKind::time_exceeded, wire::IcmpKind::parameter_problem})
    EXPECT_EQ(network_says(kind, 1'000), ErrorCode::icmp_noted);
  EXPECT_EQ(network_says(wire::IcmpKind::unreachable, 5'000), ErrorCode::icmp_noted) << "an empty segment";
  EXPECT_EQ(leg().state(), LegState::open);
  EXPECT_EQ(leg().info().network_errors, 4U);
  expect_nothing();
  peer_sends({.ack = 5'000});
  EXPECT_EQ(leg().unacknowledged_bytes(), 0U);
}

TEST_F(PathMtuTest, AConnectionThatIsOverHearsNothing) {
  in_flight(1'000);
  leg().abort(ErrorCode::tcp_aborted);
  EXPECT_EQ(too_big(0, 840), ErrorCode::icmp_blind);
  EXPECT_EQ(network_says(wire::IcmpKind::unreachable, 0), ErrorCode::icmp_blind);
}

TEST_F(PathMtuTest, AFinGoesAgainWithTheBytesBeforeIt) {
  measure();
  write(pattern(4'000, 1'000));
  leg().finish();
  output();
  too_big(1'000, 840);
  const std::vector<Out> sent = output();
  ASSERT_FALSE(sent.empty());
  EXPECT_NE(sent.back().flags & kFin, 0);
}

}  // namespace
}  // namespace sluice::tcp::test
