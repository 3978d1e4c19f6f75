// IPv6 to and from protected services, beside IPv4: what passes, what is refused, and what a session's frames carry.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

constexpr IpAddress kOtherHost{0x2001'0db8'0000'0000, 0x99};
constexpr std::uint8_t kSynAck = wire::kSyn | wire::kAck;

// `next` is the protocol number of what `payload` begins with.
FrameBytes ipv6_frame(std::uint8_t next, const FrameBytes& payload, const IpAddress& to = test::kServerIpv6) {
  FrameBytes frame = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, next, 64};
  store_be16(frame.data() + 18, static_cast<std::uint16_t>(payload.size()));
  frame.resize(54);
  store_ipv6(frame.data() + 22, test::kClientIpv6);
  store_ipv6(frame.data() + 38, to);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

// The TCP segment of a SYN to the protected port.
FrameBytes syn_segment(const IpAddress& to = test::kServerIpv6) {
  const FrameBytes whole = tcp_frame(Side::client, {.seq = 99, .server = to});
  return {whole.begin() + 54, whole.end()};
}

FrameBytes behind(FrameBytes extension, const FrameBytes& segment) {
  extension.insert(extension.end(), segment.begin(), segment.end());
  return extension;
}

class Ipv6WorkerTest : public WorkerTest {
 protected:
  void SetUp() override { start(test::masking_policy()); }
  void expect_refused(const FrameBytes& frame, ErrorCode why) {
    const std::uint64_t before = count(why);
    deliver(Side::client, frame);
    EXPECT_TRUE(server.out.empty());
    EXPECT_EQ(count(why), before + 1) << error_name(why);
    EXPECT_EQ(worker->sessions_open(), 0U);
  }
};

TEST_F(Ipv6WorkerTest, WhatIsNotForAServicePassesUnchanged) {
  expect_passes(ipv6_frame(58, {135, 0, 0, 0, 0, 0, 0, 0}));             // a neighbour solicitation
  expect_passes(ipv6_frame(58, {128, 0, 0, 0, 0, 0, 0, 0}));             // an echo request
  expect_passes(ipv6_frame(59, {}));                                     // nothing
  expect_passes(ipv6_frame(17, {0, 1, 0, 2, 0, 8, 0, 0}));               // UDP to another port
  expect_passes(ipv6_frame(44, {6, 0, 0, 1, 0, 0, 0, 1}, kOtherHost));   // a fragment to another host
  expect_passes(ipv6_frame(135, {6, 0, 0, 0, 0, 0, 0, 0}, kOtherHost));  // what Sluice does not follow
  expect_passes(tcp_frame(Side::client, {.server = kOtherHost}));        // TCP to another host
  expect_passes(tcp_frame(Side::client, {.server_port = 81, .server = test::kServerIpv6}));
  EXPECT_EQ(worker->sessions_open(), 0U);
}

TEST_F(Ipv6WorkerTest, WhatCouldGoAroundTheInspectionIsRefused) {
  expect_refused(ipv6_frame(44, behind({17, 0, 0, 1, 0, 0, 0, 1}, syn_segment())), ErrorCode::fragment_refused);
  expect_refused(ipv6_frame(17, {0x9c, 0x40, 0, 80, 0, 8, 0, 0}), ErrorCode::udp_refused);
  for (const auto header : std::initializer_list<std::uint8_t>{4, 41, 47, 50, 51, 132, 135, 139, 140, 253, 255})
    expect_refused(ipv6_frame(header, behind({6, 0, 0, 0, 0, 0, 0, 0}, syn_segment())),
                   ErrorCode::ipv6_extension_unknown);
  expect_refused(ipv6_frame(60, behind({0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}, syn_segment())),
                 ErrorCode::ipv6_extension_unknown);  // hop-by-hop where it may not be
  expect_refused(ipv6_frame(43, behind({6, 0, 4, 1, 0, 0, 0, 0}, syn_segment())),
                 ErrorCode::ipv6_extension_unknown);  // a route that is not at its end
  expect_refused(ipv6_frame(60, {6, 200, 0, 0, 0, 0, 0, 0}), ErrorCode::ipv6_extensions_too_long);
  FrameBytes many;
  for (int i = 0; i < 9; ++i) many.insert(many.end(), {std::uint8_t(i == 8 ? 6 : 60), 0, 0, 0, 0, 0, 0, 0});
  expect_refused(ipv6_frame(60, behind(many, syn_segment())), ErrorCode::ipv6_extensions_too_long);
}

TEST_F(Ipv6WorkerTest, ASynBehindExtensionHeadersOpensASessionAndLosesThem) {
  deliver(Side::client, ipv6_frame(0, behind({60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0,
                                              44, 0, 0, 0, 0, 0, 0, 0, 6,  0, 0, 0, 0, 0, 0, 1},
                                             syn_segment())));
  FrameBytes bytes;
  const wire::Frame syn = next(Side::server, &bytes);
  EXPECT_EQ(syn.kind, wire::FrameKind::tcp);
  EXPECT_EQ(syn.l4_offset, 54);
  EXPECT_EQ(syn.seq, 99U);
  EXPECT_EQ(syn.options.mss, 1440) << "of an MTU of 1500";
  EXPECT_EQ(worker->sessions_open(), 1U);
}

TEST_F(Ipv6WorkerTest, FramesCarryTheLabelAndTheClassOfTheirSender) {
  const IpAddress to = test::kServerIpv6;
  from(Side::client, {.seq = 99, .server = to, .flow_label = 0xabcde, .traffic_class = 0xb9});
  const wire::Frame syn = next(Side::server);
  EXPECT_EQ(syn.source, test::kClientIpv6);
  EXPECT_EQ(syn.flow_label, 0xabcdeU);
  EXPECT_EQ(syn.tos, 0xb8) << "no leg speaks ECN";
  from(Side::server, {.flags = kSynAck, .seq = 499, .ack = 100, .server = to, .flow_label = 0x12345});
  const wire::Frame answer = next(Side::client);
  EXPECT_EQ(answer.source, test::kServerIpv6);
  EXPECT_EQ(answer.flow_label, 0x12345U);
  EXPECT_EQ(answer.tos, 0);
}

TEST_F(Ipv6WorkerTest, ASessionOfEachFamilyWithTheSamePorts) {
  connect();
  connect(40000, test::kServerIpv6);
  EXPECT_EQ(worker->sessions_open(), 2U);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = request, .server = test::kServerIpv6});
  const wire::Frame asked = next(Side::server);
  EXPECT_EQ(asked.destination, test::kServerIpv6);
  EXPECT_EQ(asked.payload_bytes, request.size());
  EXPECT_EQ(recorder.opened, 2U);
}

TEST_F(Ipv6WorkerTest, ASegmentInTheMiddleOfNothingIsReset) {
  from(Side::client, {.flags = wire::kAck, .seq = 7, .ack = 9, .payload = "GET", .server = test::kServerIpv6});
  EXPECT_TRUE(server.out.empty());
  const wire::Frame reset = next(Side::client);
  EXPECT_EQ(reset.flags, wire::kRst);
  EXPECT_EQ(reset.seq, 9U);
  EXPECT_EQ(reset.source, test::kServerIpv6);
  EXPECT_EQ(count(ErrorCode::unknown_flow_refused), 1U);
}

TEST_F(Ipv6WorkerTest, AddressesThatNoFrameMayCarryAreDropped) {
  deliver(Side::client, ipv6_frame(6, syn_segment(), test::kServerAddress));
  EXPECT_EQ(count(ErrorCode::ip_bad_header), 1U);
  EXPECT_TRUE(server.out.empty()) << "the mapped form is the protected IPv4 address inside of Sluice alone";
}

class Ipv6AdmissionTest : public WorkerTest {};

TEST_F(Ipv6AdmissionTest, BeforeTheFirstPolicyOnlyTheLinksOwnPasses) {
  start();
  expect_passes(ipv6_frame(58, {136, 0, 0, 0, 0, 0, 0, 0}));
  deliver(Side::client, ipv6_frame(58, {128, 0, 0, 0, 0, 0, 0, 0}));
  from(Side::client, {.server = kOtherHost});
  EXPECT_TRUE(server.out.empty());
  EXPECT_EQ(count(ErrorCode::no_policy), 2U);
}

TEST_F(Ipv6AdmissionTest, ASlash64IsOneSourceAndACookieComesBack) {
  start({.sessions = 8,
         .half_open = 4,
         .half_open_per_source = 1,
         .limits = {},
         .hash_key = {1, 2},
         .cookie_key = {3, 4}});
  use(test::masking_policy());
  const IpAddress to = test::kServerIpv6;
  from(Side::client, {.seq = 99, .client_port = 1000, .server = to});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
  FrameBytes other_host = tcp_frame(Side::client, {.seq = 99, .client_port = 1001, .server = to});
  other_host[14 + 8 + 15] = 0x42;  // the same /64
  const wire::Frame parsed = wire::parse(other_host, other_host.size());
  store_be16(other_host.data() + 54 + 16, 0);
  wire::ChecksumSum sum =
      wire::pseudo_header_sum(parsed.source, parsed.destination, 6, static_cast<std::uint16_t>(other_host.size() - 54));
  sum.add(Bytes(other_host).subspan(54));
  store_be16(other_host.data() + 54 + 16, sum.checksum());
  deliver(Side::client, other_host);
  EXPECT_TRUE(server.out.empty());
  const wire::Frame cookie = next(Side::client);
  EXPECT_EQ(cookie.flags, kSynAck);
  EXPECT_EQ(cookie.options.mss, 1440);
  EXPECT_EQ(cookie.destination, parsed.source);
  // IPv4 is another source.
  from(Side::client, {.seq = 99, .client_port = 1000});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
  // The same source's own cookie comes back.
  from(Side::client, {.seq = 99, .client_port = 1002, .server = to});
  const wire::Frame own = next(Side::client);
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = own.seq + 1, .client_port = 1002, .server = to});
  EXPECT_EQ(next(Side::server).flags, wire::kSyn);
  EXPECT_EQ(count(ErrorCode::syn_cookie_accepted), 1U);
}

}  // namespace
}  // namespace sluice::worker
