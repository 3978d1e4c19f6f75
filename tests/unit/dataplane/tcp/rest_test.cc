// A leg at rest: what is made from it goes on as if it had never rested.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Rest : public LegTest {
 protected:
  // Bytes went both ways and every ACK was given.
  void talk() {
    measure();
    peer_sends({.text = "question"});
    read();
    output();
    wait(kSecond);
  }
};

TEST_F(Rest, TellsTheSameOfItself) {
  setup.timestamps = true;
  setup.send_shift = 3;
  setup.receive_shift = 5;
  setup.ecn = true;
  talk();
  const LegInfo before = leg().info();
  EXPECT_NE(before.smoothed_rtt_ns, 0u);
  rest();
  EXPECT_TRUE(leg().info() == before);
  EXPECT_TRUE(leg().is_quiet());
  expect_nothing();
  EXPECT_EQ(leg().next_deadline(), kNever);
}

TEST_F(Rest, BothDirectionsGoOnWhereTheyWere) {
  talk();
  rest();
  write("answer");
  const Out out = expect_one();
  EXPECT_EQ(out.seq, 1000u);
  EXPECT_EQ(out.ack, 8u);
  EXPECT_EQ(out.text, "answer");
  EXPECT_EQ(peer_sends({.ack = 1006, .text = "more"}), ErrorCode::ok);
  EXPECT_EQ(read(), "more");
}

TEST_F(Rest, ThePromisedWindowStands) {
  limits.first_receive_bytes = 40'000;
  setup.receive_window = 60'000;
  talk();
  rest();
  EXPECT_EQ(peer_sends({.text = std::string(59'000, 'x')}), ErrorCode::ok) << "the handshake had promised it";
}

TEST_F(Rest, WhatWasLearnedOfThePathIsKept) {
  measure();
  peer_sends({.seq = 0, .text = "x"});
  read();
  output();
  wait(kSecond);
  const LegInfo before = leg().info();
  rest();
  write("y");
  EXPECT_EQ(expect_one().text, "y");
  const DurationNs first_timeout = wait_for_deadline();
  EXPECT_LE(first_timeout, before.retransmission_timeout_ns);
}

TEST_F(Rest, ALowerPathMtuIsKept) {
  talk();
  write(pattern(3000));
  output();
  wire::IcmpError error;
  error.kind = wire::IcmpKind::too_big;
  error.seq = kOurBase + 1000;
  error.mtu = 600;
  error.source = IpAddress(0x0a000041U);
  error.packet_bytes = 1040;
  EXPECT_EQ(leg().input_error(error, now), ErrorCode::icmp_path_mtu);
  output();
  peer_sends({.ack = 4000});
  const std::uint16_t mss = leg().mss();
  EXPECT_LT(mss, kMss);
  rest();
  EXPECT_EQ(leg().mss(), mss);
  EXPECT_TRUE(leg().info().path_lowered);
}

TEST_F(Rest, AnOldSegmentIsStillOld) {
  setup.timestamps = true;
  setup.ts_recent = 1000;
  peer_sends({.text = "x", .ts_value = 2000});
  read();
  output();
  wait(kSecond);
  rest();
  EXPECT_EQ(peer_sends({.text = "old", .ts_value = 1500}), ErrorCode::tcp_old_timestamp) << "RFC 7323 section 5";
  EXPECT_EQ(peer_sends({.text = "new", .ts_value = 2001}), ErrorCode::ok);
}

TEST_F(Rest, AnUnfinishedLegIsNotQuiet) {
  talk();
  write("x");
  EXPECT_FALSE(leg().is_quiet());
  output();
  EXPECT_FALSE(leg().is_quiet()) << "in flight";
  peer_sends({.ack = 1001});
  EXPECT_TRUE(leg().is_quiet());
  peer_sends({.flags = kFin | kAck});
  EXPECT_FALSE(leg().is_quiet()) << "half closed";
}

}  // namespace
}  // namespace sluice::tcp::test
