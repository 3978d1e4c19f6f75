// Explicit congestion notification on a leg (RFC 3168 section 6.1).
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

using wire::kCwr;
using wire::kEce;

constexpr DurationNs kRtt = 40 * kMillisecond;

class Ecn : public LegTest {
 protected:
  Ecn() {
    setup.ecn = true;
    setup.sack = true;
    limits.congestion = CongestionControl::new_reno;  // halves, so that a reduction shows
    limits.burst_bytes = kMss;
  }
  // Ten segments in flight from 1 000 on, and a known round trip.
  void fly() {
    write(pattern(1'000));
    output();
    now += kRtt;
    peer_sends({.ack = 1'000});
    write(pattern(10'000, 1'000));
    output();
    now += kRtt;
  }
  std::uint32_t window() { return leg().info().congestion_window_bytes; }
};

TEST_F(Ecn, OnlyNewBytesMayBeMarked) {
  write(pattern(1'000));
  const Out data = expect_one();
  EXPECT_TRUE(data.ecn_capable);
  peer_sends({.text = "hello"});
  EXPECT_FALSE(expect_one().ecn_capable) << "an ACK";
  const std::vector<Out> again = wait(2 * kSecond);
  ASSERT_FALSE(again.empty());
  for (const Out& out : again) EXPECT_FALSE(out.ecn_capable) << "a retransmission";
  peer_sends({.ack = 1'000});
  leg().finish();
  EXPECT_FALSE(expect_one().ecn_capable) << "a FIN alone";
}

TEST_F(Ecn, WithoutAnAgreementNothingIsMarkedOrEchoed) {
  setup.ecn = false;
  fly();
  write(pattern(1'000, 11'000));
  for (const Out& out : output()) EXPECT_FALSE(out.ecn_capable);
  peer_sends({.text = "hello", .congested = true});
  EXPECT_EQ(expect_one().flags, kAck);
  const std::uint32_t before = window();
  peer_sends({.ack = 2'000, .flags = kAck | kEce});
  EXPECT_GE(window(), before);
}

TEST_F(Ecn, AMarkIsEchoedUntilThePeerSaysThatItSendsLess) {
  peer_sends({.text = "one", .congested = true});
  EXPECT_EQ(expect_one().flags, kAck | kEce);
  peer_sends({.text = "two"});
  EXPECT_EQ(expect_one().flags, kAck | kEce);
  write(pattern(100));
  EXPECT_EQ(expect_one().flags, kAck | kPsh | kEce) << "on data too";
  peer_sends({.text = "three", .flags = kAck | kCwr});
  EXPECT_EQ(expect_one().flags, kAck);
}

TEST_F(Ecn, AMarkOnTheSegmentThatAnswersCountsAnew) {
  peer_sends({.text = "one", .congested = true});
  output();
  peer_sends({.text = "two", .flags = kAck | kCwr, .congested = true});
  EXPECT_EQ(expect_one().flags, kAck | kEce);
}

TEST_F(Ecn, TheFirstMarkIsEchoedAtOnce) {
  limits.ack_delay = kMillisecond;
  peer_sends({.text = "one", .congested = true});
  EXPECT_EQ(expect_one().flags, kAck | kEce);
}

TEST_F(Ecn, AMarkOnAnEmptySegmentIsNone) {
  peer_sends({.congested = true});
  expect_nothing();
}

TEST_F(Ecn, AnEchoLowersTheWindowOnceARoundTrip) {
  fly();
  const std::uint32_t before = window();
  peer_sends({.ack = 2'000, .flags = kAck | kEce});
  EXPECT_EQ(window(), before / 2);
  EXPECT_FALSE(leg().info().in_recovery) << "nothing is lost";
  for (std::uint32_t ack = 3'000; ack <= 11'000; ack += 1'000) peer_sends({.ack = ack, .flags = kAck | kEce});
  EXPECT_GE(window(), before / 2) << "of the same flight";
  write(pattern(4'000, 11'000));
  output();
  now += kRtt;
  const std::uint32_t then = window();
  peer_sends({.ack = 12'000, .flags = kAck | kEce});
  EXPECT_LT(window(), then);
  EXPECT_EQ(leg().info().congestion_echoes, 2U);
}

TEST_F(Ecn, TheNextNewSegmentSaysThatTheWindowWentDown) {
  fly();
  for (std::uint32_t ack = 2'000; ack <= 11'000; ack += 1'000) peer_sends({.ack = ack, .flags = kAck | kEce});
  write(pattern(3'000, 11'000));
  const std::vector<Out> sent = output();
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_NE(sent[0].flags & kCwr, 0);
  EXPECT_TRUE(sent[0].ecn_capable);
  EXPECT_EQ(sent[1].flags & kCwr, 0);
  EXPECT_EQ(sent[2].flags & kCwr, 0);
}

TEST_F(Ecn, ARetransmissionDoesNotSayIt) {
  fly();
  peer_sends({.ack = 1'000, .flags = kAck | kEce, .sack = {{3'000, 11'000}}});
  const std::vector<Out> again = output();
  ASSERT_FALSE(again.empty());
  EXPECT_EQ(again[0].seq, 1'000U);
  EXPECT_EQ(again[0].flags & kCwr, 0);
  peer_sends({.ack = 11'000});
  write(pattern(1'000, 11'000));
  EXPECT_NE(expect_one().flags & kCwr, 0);
}

TEST_F(Ecn, ALossOfTheSameFlightDoesNotLowerItAgain) {
  fly();
  const std::uint32_t before = window();
  peer_sends({.ack = 2'000, .flags = kAck | kEce});
  peer_sends({.ack = 2'000, .flags = kAck | kEce, .sack = {{4'000, 11'000}}});
  EXPECT_TRUE(leg().info().in_recovery);
  EXPECT_EQ(leg().info().slow_start_threshold_bytes, before / 2);
  output();
  peer_sends({.ack = 11'000});
  EXPECT_EQ(window(), before / 2);
}

TEST_F(Ecn, AnEchoDuringRecoveryLowersNothing) {
  fly();
  peer_sends({.ack = 1'000, .sack = {{3'000, 11'000}}});
  output();
  const std::uint32_t threshold = leg().info().slow_start_threshold_bytes;
  peer_sends({.ack = 2'000, .flags = kAck | kEce, .sack = {{3'000, 11'000}}});
  EXPECT_EQ(leg().info().slow_start_threshold_bytes, threshold);
}

TEST_F(Ecn, UndoingALossDoesNotUndoAnEcho) {
  fly();
  peer_sends({.ack = 2'000, .flags = kAck | kEce});
  const std::uint32_t lowered = window();
  peer_sends({.ack = 2'000, .sack = {{4'000, 11'000}}});
  output();
  now += kRtt;
  peer_sends({.ack = 11'000, .sack = {{2'000, 4'000}}});  // it was only late
  EXPECT_LE(window(), lowered + 1'000);
}

}  // namespace
}  // namespace sluice::tcp::test
