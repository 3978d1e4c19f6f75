// What passes, what is refused, and what is counted.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

FrameBytes ethernet_frame(std::uint16_t type, std::size_t bytes = 60) {
  FrameBytes frame(bytes, 0x5a);
  const std::uint8_t head[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  std::memcpy(frame.data(), head, sizeof head);
  store_be16(frame.data() + 12, type);
  return frame;
}

FrameBytes ipv4_frame(std::uint8_t protocol, std::uint32_t to, std::uint16_t fragment = 0) {
  FrameBytes frame = ethernet_frame(0x0800);
  std::uint8_t* ip = frame.data() + 14;
  std::memset(ip, 0, 46);
  ip[0] = 0x45;
  store_be16(ip + 2, 46);
  store_be16(ip + 6, fragment);
  ip[8] = 64;
  ip[9] = protocol;
  store_be32(ip + 12, test::kClientAddress);
  store_be32(ip + 16, to);
  store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
  store_be16(ip + 20, 40000);
  store_be16(ip + 22, test::kServerPort);
  store_be16(ip + 24, 26);
  return frame;
}

TEST_F(WorkerTest, WhatIsNotProtectedPassesUnchanged) {
  start(test::masking_policy());
  expect_passes(ethernet_frame(0x0806));               // ARP
  expect_passes(ipv4_frame(1, test::kServerAddress));  // ICMP
  expect_passes(ipv4_frame(17, 0x0a000099));           // UDP to another host
  expect_passes(ipv4_frame(17, 0x0a000099, 0x2000));   // a fragment to another host
  expect_passes(tcp_frame(Side::client, {.server = 0x0a000099}));
  expect_passes(tcp_frame(Side::client, {.flags = wire::kAck, .payload = "x", .server_port = 81}));
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(WorkerTest, WithoutAPolicyIpv4IsClosed) {
  start();
  from(Side::client, Segment{});
  deliver(Side::client, ipv4_frame(17, 0x0a000099));
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(count(ErrorCode::no_policy), 2U);
  expect_passes(ethernet_frame(0x0806));
}

TEST_F(WorkerTest, WhatCouldGoAroundTheInspectionIsRefused) {
  start(test::masking_policy());
  deliver(Side::client, ipv4_frame(17, test::kServerAddress, 0x2000));
  deliver(Side::client, ipv4_frame(17, test::kServerAddress, 0x0010));
  EXPECT_EQ(count(ErrorCode::fragment_refused), 2U);
  deliver(Side::client, ipv4_frame(17, test::kServerAddress));
  EXPECT_EQ(count(ErrorCode::udp_refused), 1U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(WorkerTest, ASegmentInTheMiddleOfNothingIsResetInEnforce) {
  start(test::masking_policy());
  from(Side::client, {.flags = wire::kAck, .seq = 7, .ack = 9, .payload = "GET"});
  EXPECT_TRUE(server.out.empty());
  const wire::Frame reset = next(Side::client);
  EXPECT_EQ(reset.flags, wire::kRst);
  EXPECT_EQ(reset.seq, 9U);
  EXPECT_EQ(reset.source, test::kServerAddress);
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 7, .ack = 9});
  EXPECT_EQ(next(Side::server).flags, wire::kRst);
  from(Side::client, {.flags = wire::kRst, .seq = 7});
  EXPECT_TRUE(client.out.empty()) << "a reset is never answered";
  EXPECT_EQ(count(ErrorCode::unknown_flow_refused), 3U);
}

TEST_F(WorkerTest, ASegmentInTheMiddleOfNothingPassesInObserve) {
  start(test::masking_policy("", "observe"));
  expect_passes(
      tcp_frame(Side::client, {.flags = wire::kAck, .seq = 7, .ack = 9, .payload = "GET", .server = 0x0a000099}));
  const FrameBytes frame = tcp_frame(Side::client, {.flags = wire::kAck, .seq = 7, .ack = 9, .payload = "GET"});
  deliver(Side::client, frame);
  ASSERT_EQ(server.out.size(), 1U);
  EXPECT_EQ(server.out.front(), frame);
}

TEST_F(WorkerTest, ABadChecksumIsDroppedAndCounted) {
  start(test::masking_policy());
  FrameBytes frame = tcp_frame(Side::client, {});
  frame[50] ^= 1;
  deliver(Side::client, frame);
  EXPECT_EQ(count(ErrorCode::tcp_bad_checksum), 1U);
  connect();
  frame = tcp_frame(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = "GET / HTTP/1.1\r\n"});
  frame.back() ^= 1;
  deliver(Side::client, frame);
  EXPECT_EQ(count(ErrorCode::tcp_bad_checksum), 2U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(WorkerTest, AHandshakeThatNobodyAnswersIsForgotten) {
  start(test::masking_policy());
  from(Side::client, {.seq = 99});
  EXPECT_EQ(worker->sessions_open(), 1U);
  // The wheel looks again each lap.
  for (int i = 0; i < 20 && worker->next_deadline() != kNever; ++i) {
    now = std::max(now, worker->next_deadline());
    burst();
  }
  EXPECT_EQ(worker->sessions_open(), 0U);
  EXPECT_GE(now, 75 * kSecond);
  EXPECT_EQ(count(ErrorCode::tcp_syn_timeout), 1U);
  EXPECT_EQ(recorder.opened, 0U);
}

TEST_F(WorkerTest, APolicySwapKeepsConnectionsAndHandsTheFormerBack) {
  start(test::masking_policy());
  connect();
  use(test::masking_policy(), 2);
  ASSERT_NE(update.policy, nullptr);
  EXPECT_EQ(update.policy->snapshot->version(), 1U);
  EXPECT_EQ(worker->taken(), nullptr);
  from(Side::client,
       {.flags = wire::kAck | wire::kPsh, .seq = 100, .ack = 500, .payload = "GET / HTTP/1.1\r\nHost: web\r\n\r\n"});
  FrameBytes bytes;
  const wire::Frame request = next(Side::server, &bytes);
  ASSERT_EQ(request.kind, wire::FrameKind::tcp);
  EXPECT_TRUE(as_text(bytes).ends_with("Host: web\r\n\r\n"));
  EXPECT_EQ(recorder.units.front().end.policy_version, 2U);
}

TEST_F(WorkerTest, AnOfferWaitsForTheLastOne) {
  start();
  PolicyUpdate first{.policy = nullptr, .scratch = std::make_unique<inspect::Scratch>()};
  PolicyUpdate second{.policy = nullptr, .scratch = std::make_unique<inspect::Scratch>()};
  first.policy = test::make_policy(test::masking_policy(), *first.scratch);
  EXPECT_TRUE(worker->offer(&first));
  EXPECT_FALSE(worker->offer(&second));
  EXPECT_EQ(worker->taken(), nullptr);
  burst();
  EXPECT_EQ(worker->taken(), &first);
  EXPECT_EQ(first.policy, nullptr);
}

TEST_F(WorkerTest, ShutDownResetsBothSidesAndClosesRecords) {
  start(test::masking_policy());
  connect(1000);
  connect(1001);
  from(Side::client, {.seq = 99, .client_port = 1002});
  server.out.clear();
  recorder.room = false;
  EXPECT_FALSE(worker->shut_down(now, now));
  EXPECT_EQ(recorder.closed, 0U);
  recorder.room = true;
  EXPECT_TRUE(worker->shut_down(now, now));
  EXPECT_EQ(recorder.closed, 2U);
  EXPECT_EQ(worker->sessions_open(), 0U);
  EXPECT_EQ(client.out.size(), 2U);
  EXPECT_EQ(server.out.size(), 2U);
  while (!client.out.empty()) EXPECT_NE(next(Side::client).flags & wire::kRst, 0);
}

TEST_F(WorkerTest, ASessionStaysUntilItsResetsAreOut) {
  start(test::masking_policy());
  connect();
  client.full = server.full = true;
  from(Side::client, {.flags = wire::kRst, .seq = 100});
  EXPECT_EQ(recorder.closed, 1U);
  client.full = server.full = false;
  burst();
  EXPECT_EQ(next(Side::server).flags & wire::kRst, wire::kRst);
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(WorkerTest, TheSamePortsAnewReplaceASessionThatIsOver) {
  start(test::masking_policy());
  connect();
  from(Side::client, {.flags = wire::kAck | wire::kFin, .seq = 100, .ack = 500});
  from(Side::server, {.flags = wire::kAck | wire::kFin, .seq = 500, .ack = 101});
  from(Side::client, {.flags = wire::kAck, .seq = 101, .ack = 501});
  from(Side::server, {.flags = wire::kAck, .seq = 501, .ack = 101});
  EXPECT_EQ(recorder.closed, 1U);
  server.out.clear();
  from(Side::client, {.seq = 9000});
  const wire::Frame syn = next(Side::server);
  EXPECT_EQ(syn.flags, wire::kSyn);
  EXPECT_EQ(syn.seq, 9000U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

}  // namespace
}  // namespace sluice::worker
