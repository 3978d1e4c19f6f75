// ICMP errors about what passes between two peers: its sender hears of them, under its own numbers.
#include "tests/unit/dataplane/worker/icmp_frames.h"
#include "tests/unit/dataplane/worker/ladder_harness.h"

namespace sluice::worker {
namespace {

constexpr const char* kPolicy = R"(services:
  - {name: db, address: 10.0.0.2:80, protocol: tcp, mode: enforce}
)";

class LadderIcmpTest : public LadderTest {
 protected:
  // What the other side gets of it.
  FrameBytes relayed(Side from_side, const FrameBytes& error) {
    auto& out = (from_side == Side::client ? server : client).out;
    out.clear();
    deliver(from_side, error);
    return out.size() == 1 ? out.front() : FrameBytes{};
  }
};

TEST_F(LadderIcmpTest, TheSenderHearsOfItAsItCame) {
  start(kPolicy);
  connect();
  const FrameBytes sent = through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "hello"});
  const FrameBytes error = icmp_about(sent, {.mtu = 800});
  EXPECT_EQ(relayed(Side::server, error), error);
  EXPECT_EQ(count(ErrorCode::icmp_relayed), 1U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(LadderIcmpTest, ByCookieItQuotesTheSendersOwnNumber) {
  start_with_cookies(kPolicy);
  const std::uint32_t base = connect_by_cookie();
  const Segment from_server{.flags = kDataFlags, .seq = 500, .ack = 100, .payload = "hello"};
  const FrameBytes sent = through(Side::server, from_server);
  ASSERT_EQ(wire::parse(sent, sent.size()).seq, base);
  const FrameBytes got = relayed(Side::client, icmp_about(sent, {.mtu = 800}));
  const wire::Frame frame = wire::parse(got, got.size());
  ASSERT_EQ(frame.kind, wire::FrameKind::icmp);
  EXPECT_EQ(wire::read_icmp_error(got, frame).seq, 500U);
  wire::ChecksumSum sum;
  sum.add(Bytes(got).subspan(frame.l4_offset));
  EXPECT_EQ(sum.checksum(), 0);
}

TEST_F(LadderIcmpTest, WhatQuotesNothingInFlightIsRefused) {
  start(kPolicy);
  connect();
  FrameBytes sent = through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = "hello"});
  through(Side::server, {.flags = wire::kAck, .seq = 500, .ack = 105});
  EXPECT_TRUE(relayed(Side::server, icmp_about(sent, {.mtu = 800})).empty());
  store_be32(sent.data() + 38, 106);
  EXPECT_TRUE(relayed(Side::server, icmp_about(sent, {.mtu = 800})).empty());
  EXPECT_EQ(count(ErrorCode::icmp_blind), 2U);
}

}  // namespace
}  // namespace sluice::worker
