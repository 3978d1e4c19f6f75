// ICMP errors about protected services: which leg, which peer, or nobody hears of them (docs/decisions/0008).
#include "tests/unit/dataplane/worker/icmp_frames.h"

namespace sluice::worker {
namespace {

constexpr IpAddress kOtherHost = 0x0a000099U;
constexpr std::uint8_t kSynAck = wire::kSyn | wire::kAck;
const std::string kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

class IcmpTest : public WorkerTest {
 protected:
  void SetUp() override { start(test::masking_policy()); }

  // A session whose request is in flight toward the server; the frame that carries it.
  FrameBytes request_in_flight(const IpAddress& to = test::kServerAddress, std::size_t more = 0) {
    connect(40000, to);
    const std::string text = "GET /" + std::string(more, 'x') + kRequest.substr(5);
    from(Side::client, {.flags = wire::kAck | wire::kPsh, .seq = 100, .ack = 500, .payload = text, .server = to});
    client.out.clear();
    FrameBytes bytes;
    EXPECT_GT(next(Side::server, &bytes).payload_bytes, 0U);
    server.out.clear();
    return bytes;
  }
  void expect_taken(Side from, const FrameBytes& frame, ErrorCode why) {
    const std::uint64_t before = count(why);
    auto& far = from == Side::client ? server : client;
    far.out.clear();
    deliver(from, frame);
    EXPECT_EQ(count(why), before + 1) << error_name(why);
    EXPECT_TRUE(far.out.empty()) << "the far peer hears nothing";
  }
  void expect_passed(Side from, const FrameBytes& frame) {
    auto& far = from == Side::client ? server : client;
    far.out.clear();
    deliver(from, frame);
    ASSERT_EQ(far.out.size(), 1U);
    EXPECT_EQ(far.out.front(), frame);
    far.out.clear();
  }
};

TEST_F(IcmpTest, AServersPathThatTakesLessIsTheServerLegsMatter) {
  const FrameBytes sent = request_in_flight(test::kServerAddress, 1'200);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_path_mtu);
  std::size_t again = 0;
  std::size_t frames = 0;
  for (wire::Frame frame = next(Side::server); frame.kind == wire::FrameKind::tcp; frame = next(Side::server)) {
    EXPECT_LE(frame.payload_bytes, 760U);
    again += frame.payload_bytes;
    ++frames;
  }
  EXPECT_EQ(again, kRequest.size() + 1'200) << "all of it once more";
  EXPECT_EQ(frames, 2U);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_noted);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(IcmpTest, AClientsPathThatTakesLessIsTheClientLegsMatter) {
  request_in_flight();
  from(Side::server, {.flags = wire::kAck | wire::kPsh,
                      .seq = 500,
                      .ack = static_cast<std::uint32_t>(100 + kRequest.size()),
                      .payload = "HTTP/1.1 200 OK\r\nContent-Length: 1300\r\n\r\n" + std::string(1'300, 'y')});
  FrameBytes bytes;
  std::size_t sent = 0;
  for (wire::Frame frame = next(Side::client, &bytes); frame.payload_bytes == 0; frame = next(Side::client, &bytes))
    ASSERT_NE(frame.kind, wire::FrameKind::bad);
  sent = bytes.size();
  EXPECT_GT(sent, 1'300U);
  client.out.clear();
  expect_taken(Side::client, icmp_about(bytes, {.mtu = 700}), ErrorCode::icmp_path_mtu);
  EXPECT_GE(client.out.size(), 2U);
  for (const FrameBytes& frame : client.out) EXPECT_LE(frame.size(), 714U);
}

TEST_F(IcmpTest, Ipv6PacketTooBig) {
  const FrameBytes sent = request_in_flight(test::kServerIpv6, 1'300);
  expect_taken(Side::server, icmp_about(sent, {.type = 2, .code = 0, .mtu = 1'200}), ErrorCode::icmp_blind);
  expect_taken(Side::server, icmp_about(sent, {.type = 2, .code = 0, .mtu = 1'280}), ErrorCode::icmp_path_mtu);
  EXPECT_EQ(server.out.size(), 2U);
  for (const FrameBytes& frame : server.out) EXPECT_LE(frame.size(), 1'294U);
}

TEST_F(IcmpTest, WhatQuotesNothingInFlightIsRefused) {
  FrameBytes sent = request_in_flight();
  store_be32(sent.data() + 38, 99);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_blind);
  store_be32(sent.data() + 38, 100'000);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_blind);
  expect_taken(Side::server, icmp_about(sent, {.code = 3}), ErrorCode::icmp_blind);
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(IcmpTest, FromTheOtherSideItIsNobodysSegment) {
  const FrameBytes sent = request_in_flight();
  expect_passed(Side::client, icmp_about(sent, {.mtu = 800}));  // it goes where a switch would send it
  EXPECT_EQ(count(ErrorCode::icmp_path_mtu), 0U);
}

TEST_F(IcmpTest, HardErrorsDoNotEndALiveSession) {
  const FrameBytes sent = request_in_flight();
  for (const auto code : std::initializer_list<std::uint8_t>{0, 1, 2, 3, 13})
    expect_taken(Side::server, icmp_about(sent, {.code = code}), ErrorCode::icmp_noted);
  expect_taken(Side::server, icmp_about(sent, {.type = 11, .code = 0}), ErrorCode::icmp_noted);
  EXPECT_EQ(worker->sessions_open(), 1U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(IcmpTest, AWrongChecksumIsDropped) {
  FrameBytes frame = icmp_about(request_in_flight(), {.mtu = 800});
  frame.back() ^= 1;
  expect_taken(Side::server, frame, ErrorCode::icmp_bad_checksum);
}

TEST_F(IcmpTest, AQuotedFragmentIsNoneOfOurs) {
  FrameBytes sent = request_in_flight();
  store_be16(sent.data() + 20, 0x2000);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_blind);
  store_be16(sent.data() + 20, 0x0001);
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800}), ErrorCode::icmp_unreadable);
}

TEST_F(IcmpTest, TooShortAQuotationOfAProtectedAddressIsRefused) {
  const FrameBytes sent = request_in_flight();
  expect_taken(Side::server, icmp_about(sent, {.mtu = 800, .quoted_bytes = 27}), ErrorCode::icmp_unreadable);
  expect_passed(Side::server, icmp_about(sent, {.mtu = 800, .quoted_bytes = 19}));  // nobody can read it
}

TEST_F(IcmpTest, ARefusedSynIsToldToTheClientAsItCame) {
  from(Side::client, {.seq = 99});
  FrameBytes syn;
  next(Side::server, &syn);
  expect_passed(Side::server, icmp_about(syn, {.code = 3}));
  EXPECT_EQ(count(ErrorCode::icmp_relayed), 1U);
  EXPECT_EQ(worker->sessions_open(), 0U) << "there is nothing to wait for";
}

TEST_F(IcmpTest, ASynThatMayYetArriveIsWaitedFor) {
  from(Side::client, {.seq = 99});
  FrameBytes syn;
  next(Side::server, &syn);
  expect_passed(Side::server, icmp_about(syn, {.code = 1}));
  EXPECT_EQ(worker->sessions_open(), 1U);
  from(Side::server, {.flags = kSynAck, .seq = 499, .ack = 100});
  EXPECT_EQ(next(Side::client).flags, kSynAck);
}

TEST_F(IcmpTest, ASynAckThatDidNotArriveIsToldToTheServer) {
  from(Side::client, {.seq = 99});
  from(Side::server, {.flags = kSynAck, .seq = 499, .ack = 100});
  FrameBytes answer;
  EXPECT_EQ(next(Side::client, &answer).flags, kSynAck);
  expect_passed(Side::client, icmp_about(answer, {.code = 1}));
  EXPECT_EQ(count(ErrorCode::icmp_relayed), 1U);
}

TEST_F(IcmpTest, AnotherSynIsBlind) {
  from(Side::client, {.seq = 99});
  FrameBytes syn;
  next(Side::server, &syn);
  expect_taken(Side::server, icmp_about(syn, {.mtu = 800}), ErrorCode::icmp_blind);  // no SYN is too big
  store_be32(syn.data() + 38, 98);
  expect_taken(Side::server, icmp_about(syn, {.code = 3}), ErrorCode::icmp_blind);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(IcmpTest, AClientWithACookieIsResetWhenItsServerCannotBeReached) {
  start({.sessions = 8, .half_open = 1, .limits = {}, .hash_key = {1, 2}, .cookie_key = {3, 4}});
  held = {};
  use(test::masking_policy());
  from(Side::client, {.seq = 1, .client_port = 39999});
  from(Side::client, {.seq = 99});
  const wire::Frame cookie = next(Side::client);
  ASSERT_EQ(count(ErrorCode::syn_cookie_sent), 1U);
  server.out.clear();
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = cookie.seq + 1});
  FrameBytes syn;
  ASSERT_EQ(next(Side::server, &syn).flags, wire::kSyn);
  client.out.clear();
  deliver(Side::server, icmp_about(syn, {.code = 1}));
  EXPECT_TRUE(client.out.empty()) << "the server may yet be reached";
  deliver(Side::server, icmp_about(syn, {.code = 3}));
  const wire::Frame reset = next(Side::client);
  EXPECT_EQ(reset.flags, wire::kRst | wire::kAck);
  EXPECT_EQ(reset.seq, cookie.seq + 1);
  EXPECT_EQ(count(ErrorCode::icmp_noted), 2U);
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(IcmpTest, OfNoKnownSessionItIsRefusedInEnforceAndPassesInObserve) {
  const FrameBytes stale = tcp_frame(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = "GET"});
  expect_taken(Side::server, icmp_about(stale, {.mtu = 800}), ErrorCode::icmp_unknown_flow);
  use(test::masking_policy("", "observe"), 2);
  expect_passed(Side::server, icmp_about(stale, {.mtu = 800}));
}

TEST_F(IcmpTest, WhatConcernsNoServicePasses) {
  expect_passed(Side::server, icmp_about(tcp_frame(Side::client, {.server = kOtherHost}), {.mtu = 800}));
  expect_passed(Side::server, icmp_about(tcp_frame(Side::client, {.server_port = 81}), {.mtu = 800}));
  expect_passed(Side::client, icmp_about(tcp_frame(Side::server, {.server_port = 81}), {.mtu = 800}));
  FrameBytes udp = tcp_frame(Side::client, {});
  udp[23] = 17;
  expect_passed(Side::server, icmp_about(udp, {.code = 3}));
  FrameBytes broken = icmp_about(tcp_frame(Side::client, {.server = kOtherHost}), {.mtu = 800});
  broken.back() ^= 1;
  expect_passed(Side::server, broken);  // not ours to judge
}

TEST_F(IcmpTest, TheTraceTellsOfThem) {
  const FrameBytes sent = request_in_flight(test::kServerAddress, 1'200);
  deliver(Side::server, icmp_about(sent, {.mtu = 800}));
  std::vector<TraceRecord> records;
  worker->trace().copy(records);
  std::erase_if(records, [](const TraceRecord& r) { return r.kind != TraceKind::icmp; });
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].leg, TraceLeg::server);
  EXPECT_EQ(records[0].code, static_cast<std::uint16_t>(ErrorCode::icmp_path_mtu));
  EXPECT_EQ(records[0].a, 1U);
  EXPECT_EQ(records[0].b, 0x304U);
  EXPECT_EQ(records[0].c, 760);
  EXPECT_EQ(records[0].d, 800);
}

}  // namespace
}  // namespace sluice::worker
