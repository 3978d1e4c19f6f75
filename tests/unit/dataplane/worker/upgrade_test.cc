// After an upgrade that nothing looks behind, a session steps down when both legs are quiet, and not before.
#include "tests/unit/dataplane/worker/ladder_harness.h"

namespace sluice::worker {
namespace {

constexpr std::string_view kAsk = "GET /ws HTTP/1.1\r\nHost: w\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
constexpr std::string_view kAgree =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

std::string web_policy(std::string_view more) {
  return "services:\n  - {name: web, address: 10.0.0.2:80, protocol: http, mode: enforce, allow_upgrade: true" +
         std::string(more) + "}\n";
}

class UpgradeTest : public LadderTest {
 protected:
  // Asks with `lead` in front, which Sluice takes away, and is answered; every ACK is given.
  void upgrade(std::string_view lead = "") {
    connect();
    const std::string ask = std::string(lead) + std::string(kAsk);
    client_next = 100 + static_cast<std::uint32_t>(ask.size());
    server_next = 500 + static_cast<std::uint32_t>(kAgree.size());
    server_ack = 100 + static_cast<std::uint32_t>(kAsk.size());
    from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = ask});
    from(Side::server, {.flags = kDataFlags, .seq = 500, .ack = server_ack, .payload = std::string(kAgree)});
    from(Side::client, {.flags = wire::kAck, .seq = client_next, .ack = server_next});
    settle();
  }
  // The delayed ACKs go out.
  void settle() {
    now += 5 * kMillisecond;
    burst();
    client.out.clear();
    server.out.clear();
  }

  std::uint32_t client_next = 0;
  std::uint32_t server_next = 0;
  std::uint32_t server_ack = 0;  // where the server is in the client's stream
};

TEST_F(UpgradeTest, WhatIsNotReadGoesDownWhenBothLegsAreQuiet) {
  start(web_policy(", after_upgrade: pass"));
  upgrade();
  EXPECT_EQ(flow().handling, session::Handling::forwarded);
  expect_as_it_is(Side::client, {.flags = kDataFlags, .seq = client_next, .ack = server_next, .payload = "frame"});
  ASSERT_EQ(recorder.units.size(), 2U);
  for (const test::RecordedUnit& unit : recorder.units) {
    EXPECT_TRUE(unit.ended);
    EXPECT_TRUE(unit.end.complete);
    EXPECT_EQ(unit.body, "");
  }
  expect_as_it_is(Side::client, {.flags = wire::kRst, .seq = client_next + 5});
  EXPECT_EQ(recorder.last_close.request_bytes, kAsk.size() + 5);
  EXPECT_EQ(recorder.last_close.units, 1U);
}

TEST_F(UpgradeTest, WithNothingToLookForAndNoRecordItGoesDownByItself) {
  start(web_policy(", record: off"));
  upgrade();
  EXPECT_EQ(flow().handling, session::Handling::forwarded);
}

TEST_F(UpgradeTest, WhatIsRecordedStaysTerminated) {
  start(web_policy(""));
  upgrade();
  EXPECT_EQ(flow().handling, session::Handling::terminated);
  from(Side::client, {.flags = kDataFlags, .seq = client_next, .ack = server_next, .payload = "frame"});
  settle();
  EXPECT_NE(recorder.everything().find("frame"), std::string::npos);
}

TEST_F(UpgradeTest, AnEditOfTheHeadLeavesADistance) {
  start(web_policy(", after_upgrade: pass"));
  upgrade("\r\n");
  EXPECT_EQ(flow().handling, session::Handling::spliced);
  const FrameBytes bytes =
      through(Side::client, {.flags = kDataFlags, .seq = client_next, .ack = server_next, .payload = "frame"});
  EXPECT_EQ(bytes,
            tcp_frame(Side::client, {.flags = kDataFlags, .seq = server_ack, .ack = server_next, .payload = "frame"}));
  const FrameBytes back = through(Side::server, {.flags = wire::kAck, .seq = server_next, .ack = server_ack + 5});
  EXPECT_EQ(back, tcp_frame(Side::server, {.flags = wire::kAck, .seq = server_next, .ack = client_next + 5}));
}

// The client did not hear our ACK of its request: what it repeats is what Sluice edited, and must not pass.
TEST_F(UpgradeTest, BytesFromBeforeTheSeamPassAsZeros) {
  start(web_policy(", after_upgrade: pass"));
  upgrade("\r\n");
  const std::string ask = "\r\n" + std::string(kAsk);
  const FrameBytes bytes =
      through(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = ask + "frame"});
  ASSERT_FALSE(bytes.empty());
  EXPECT_TRUE(has_right_checksum(bytes));
  const wire::Frame frame = wire::parse(bytes, bytes.size());
  EXPECT_EQ(as_text(Bytes(bytes).subspan(frame.payload_offset)), std::string(ask.size(), '\0') + "frame");
  EXPECT_EQ(frame.seq + frame.payload_bytes, server_ack + 5) << "where the server puts the new bytes";
  EXPECT_EQ(count(ErrorCode::tcp_repeated_before_splice), 1U);
}

TEST_F(UpgradeTest, WhatIsUnderWayKeepsItTerminated) {
  start(web_policy(", after_upgrade: pass"));
  connect();
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = std::string(kAsk)});
  const auto asked = 100 + static_cast<std::uint32_t>(kAsk.size());
  const auto answered = 500 + static_cast<std::uint32_t>(kAgree.size());
  from(Side::server, {.flags = kDataFlags, .seq = 500, .ack = asked, .payload = std::string(kAgree)});
  settle();
  EXPECT_EQ(flow().handling, session::Handling::terminated) << "the answer is not acknowledged";
  from(Side::client, {.flags = kDataFlags, .seq = asked, .ack = answered, .payload = "early"});
  settle();
  EXPECT_EQ(flow().handling, session::Handling::terminated) << "nor are the client's bytes";
  from(Side::server, {.flags = wire::kAck, .seq = answered, .ack = asked + 5});
  settle();
  EXPECT_EQ(flow().handling, session::Handling::forwarded);
}

TEST_F(UpgradeTest, AFinBeforeTheSeamKeepsItTerminated) {
  start(web_policy(", after_upgrade: pass"));
  connect();
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = std::string(kAsk)});
  const auto asked = 100 + static_cast<std::uint32_t>(kAsk.size());
  const auto answered = 500 + static_cast<std::uint32_t>(kAgree.size());
  from(Side::server, {.flags = kDataFlags, .seq = 500, .ack = asked, .payload = std::string(kAgree)});
  from(Side::client, {.flags = kFinFlags, .seq = asked, .ack = answered});
  from(Side::server, {.flags = wire::kAck, .seq = answered, .ack = asked + 1});
  settle();
  EXPECT_EQ(flow().handling, session::Handling::terminated);
  from(Side::server, {.flags = kFinFlags, .seq = answered, .ack = asked + 1});
  from(Side::client, {.flags = wire::kAck, .seq = asked + 1, .ack = answered + 1});
  settle();
  EXPECT_EQ(recorder.closed, 1U);
}

TEST_F(UpgradeTest, AnUpgradeThatIsDeclinedStaysHttp) {
  start(web_policy(", after_upgrade: pass"));
  connect();
  from(Side::client, {.flags = kDataFlags, .seq = 100, .ack = 500, .payload = std::string(kAsk)});
  const auto asked = 100 + static_cast<std::uint32_t>(kAsk.size());
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
  const auto answered = 500 + static_cast<std::uint32_t>(answer.size());
  from(Side::server, {.flags = kDataFlags, .seq = 500, .ack = asked, .payload = answer});
  from(Side::client, {.flags = wire::kAck, .seq = asked, .ack = answered});
  settle();
  EXPECT_EQ(flow().handling, session::Handling::terminated);
}

}  // namespace
}  // namespace sluice::worker
