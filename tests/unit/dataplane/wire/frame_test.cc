// parse(): every kind, every refusal, every cut; and bytes from seeds, which must never be read beyond.
#include "dataplane/wire/frame.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <vector>

#include "common/random.h"
#include "dataplane/wire/build.h"

namespace sluice::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

// Ethernet and IPv4 around `l4`; `tags` are ethertypes that stand before 0x0800.
Buffer packet(std::uint8_t protocol, const Buffer& l4, std::initializer_list<std::uint16_t> tags = {},
              std::size_t ip_option_bytes = 0) {
  Buffer frame(12, 0x02);
  for (const std::uint16_t tag : tags) {
    frame.insert(frame.end(), {static_cast<std::uint8_t>(tag >> 8), static_cast<std::uint8_t>(tag), 0, 7});
  }
  frame.insert(frame.end(), {0x08, 0x00});
  const std::size_t l3 = frame.size();
  const std::size_t header = 20 + ip_option_bytes;
  frame.resize(l3 + header, 0x01);  // options: NOP
  std::uint8_t* ip = frame.data() + l3;
  std::memset(ip, 0, 20);
  ip[0] = static_cast<std::uint8_t>(0x40 | header / 4);
  ip[8] = 64;
  ip[9] = protocol;
  store_be16(ip + 2, static_cast<std::uint16_t>(header + l4.size()));
  store_be32(ip + 12, 0x0a000001);
  store_be32(ip + 16, 0x0a000002);
  store_be16(ip + 10, ipv4_header_checksum({ip, header}));
  frame.insert(frame.end(), l4.begin(), l4.end());
  return frame;
}

// A TCP header with these option bytes (padded by the caller to words) and payload behind.
Buffer tcp(const Buffer& options, std::size_t payload_bytes = 0) {
  Buffer l4(20, 0);
  store_be16(l4.data(), 1111);
  store_be16(l4.data() + 2, 2222);
  store_be32(l4.data() + 4, 0x01020304);
  l4[12] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
  l4[13] = kSyn;
  l4.insert(l4.end(), options.begin(), options.end());
  l4.resize(l4.size() + payload_bytes, 'p');
  return l4;
}

Frame parse_all(const Buffer& frame) {
  return parse(frame, frame.size());
}
// Changes one byte of the IPv4 header and makes the checksum right again.
Buffer with_ip_byte(Buffer frame, std::size_t at, std::uint8_t value) {
  std::uint8_t* ip = frame.data() + 14;
  ip[at] = value;
  store_be16(ip + 10, 0);
  store_be16(ip + 10, ipv4_header_checksum({ip, 20}));
  return frame;
}

void expect_bad(const Buffer& frame, ErrorCode error) {
  const Frame parsed = parse_all(frame);
  EXPECT_EQ(parsed.kind, FrameKind::bad);
  EXPECT_EQ(error_name(parsed.error), error_name(error));
}

TEST(Frame, TcpIsReadWhole) {
  const Frame frame = parse_all(packet(6, tcp({2, 4, 5, 0xb4, 1, 3, 3, 9}, 10), {}, 8));
  ASSERT_EQ(frame.kind, FrameKind::tcp);
  EXPECT_EQ(frame.source, 0x0a000001u);
  EXPECT_EQ(frame.destination, 0x0a000002u);
  EXPECT_EQ(frame.source_port, 1111);
  EXPECT_EQ(frame.destination_port, 2222);
  EXPECT_EQ(frame.seq, 0x01020304u);
  EXPECT_EQ(frame.l3_offset, 14);
  EXPECT_EQ(frame.l4_offset, 14 + 28);
  EXPECT_EQ(frame.payload_offset, 14 + 28 + 28);
  EXPECT_EQ(frame.payload_bytes, 10u);
  EXPECT_EQ(frame.options.mss, 1460);
  EXPECT_EQ(frame.options.window_shift, 9);
}

TEST(Frame, KindsThatAreNotTcp) {
  EXPECT_EQ(parse_all(packet(1, Buffer(8, 0))).kind, FrameKind::icmp);
  const Frame udp = parse_all(packet(17, {0, 53, 0x13, 0x88, 0, 12, 0, 0, 'a', 'b', 'c', 'd'}));
  EXPECT_EQ(udp.kind, FrameKind::udp);
  EXPECT_EQ(udp.source_port, 53);
  EXPECT_EQ(udp.destination_port, 5000);
  EXPECT_EQ(udp.payload_bytes, 4u);
  Buffer arp(42, 0);
  arp[12] = 0x08;
  arp[13] = 0x06;
  EXPECT_EQ(parse_all(arp).kind, FrameKind::other);
}

TEST(Frame, VlanTagsAreReadThroughUpToTwo) {
  for (const auto tag : std::initializer_list<std::uint16_t>{0x8100, 0x88a8, 0x9100}) {
    const Frame frame = parse_all(packet(6, tcp({}), {tag}));
    EXPECT_EQ(frame.kind, FrameKind::tcp);
    EXPECT_EQ(frame.link.length, 18);
    EXPECT_EQ(load_be16(frame.link.bytes + 12), tag);
  }
  const Frame two = parse_all(packet(6, tcp({}), {0x88a8, 0x8100}));
  EXPECT_EQ(two.kind, FrameKind::tcp);
  EXPECT_EQ(two.link.length, kMaxLinkHeaderBytes);
  expect_bad(packet(6, tcp({}), {0x88a8, 0x8100, 0x8100}), ErrorCode::vlan_too_deep);
}

TEST(Frame, FragmentsAreTheirOwnKind) {
  const Buffer whole = packet(6, tcp({}, 10));
  EXPECT_EQ(parse_all(with_ip_byte(whole, 6, 0x20)).kind, FrameKind::fragment) << "the first: more fragments";
  EXPECT_EQ(parse_all(with_ip_byte(whole, 7, 1)).kind, FrameKind::fragment) << "a later one: an offset";
  const Frame later = parse_all(with_ip_byte(whole, 6, 0x1f));
  EXPECT_EQ(later.kind, FrameKind::fragment);
  EXPECT_EQ(later.destination, 0x0a000002u);
  EXPECT_EQ(later.destination_port, 0);
  EXPECT_EQ(parse_all(with_ip_byte(whole, 6, 0x40)).kind, FrameKind::tcp) << "don't fragment is none";
}

TEST(Frame, EthernetPaddingIsNotPayload) {
  Buffer frame = packet(6, tcp({}));
  frame.resize(60, 0);
  EXPECT_EQ(parse_all(frame).payload_bytes, 0u);
}

TEST(Frame, PayloadMayLieBeyondTheFirstSegment) {
  const Buffer frame = packet(6, tcp({}, 40000));
  const Frame parsed = parse(Bytes(frame).first(54), frame.size());
  EXPECT_EQ(parsed.kind, FrameKind::tcp);
  EXPECT_EQ(parsed.payload_bytes, 40000u);
}

TEST(Frame, BadIpv4HeadersAreRefused) {
  const Buffer good = packet(6, tcp({}, 10));
  expect_bad(with_ip_byte(good, 0, 0x65), ErrorCode::ip_bad_header);
  expect_bad(with_ip_byte(good, 0, 0x44), ErrorCode::ip_bad_header);
  expect_bad(with_ip_byte(good, 3, 19), ErrorCode::ip_bad_header);
  expect_bad(with_ip_byte(good, 3, 0), ErrorCode::ip_bad_header);
  expect_bad(with_ip_byte(good, 3, 51), ErrorCode::frame_truncated);
  Buffer flipped = good;
  flipped[14 + 12] ^= 0x10;
  expect_bad(flipped, ErrorCode::ip_bad_checksum);
}

TEST(Frame, BadTcpHeadersAreRefused) {
  for (const int words : {0, 4, 9, 15}) {
    Buffer l4 = tcp({}, 12);
    l4[12] = static_cast<std::uint8_t>(words << 4);
    expect_bad(packet(6, l4), ErrorCode::tcp_bad_header);
  }
  expect_bad(packet(6, Buffer(19, 0)), ErrorCode::tcp_bad_header);
  expect_bad(packet(6, {}), ErrorCode::tcp_bad_header);
  expect_bad(packet(17, Buffer(7, 0)), ErrorCode::frame_truncated);
}

TEST(Frame, MalformedOptionsAreRefused) {
  const Buffer malformed[] = {
      {8, 0, 0, 0},              // length 0
      {8, 1, 0, 0},              // length 1
      {1, 1, 1, 2},              // kind without a length
      {2, 5, 0, 0},              // beyond the header
      {2, 3, 5, 1},              // MSS of 3 bytes
      {5, 2, 1, 1},              // SACK of no block
      {5, 6, 0, 0, 0, 1, 1, 1},  // SACK of half a block
      {3, 4, 5, 1},              // window scale of 4 bytes
      {4, 3, 0, 1},              // SACK permitted of 3 bytes
      {8, 8, 0, 0, 0, 0, 0, 0},  // timestamps of 8 bytes
      {1, 1, 254, 9, 0, 0, 0, 0},
  };
  for (const Buffer& options : malformed) expect_bad(packet(6, tcp(options, 20)), ErrorCode::tcp_bad_options);
}

TEST(Frame, OddButLegalOptionsAreRead) {
  EXPECT_EQ(parse_all(packet(6, tcp({0, 2, 0, 0}))).kind, FrameKind::tcp) << "nothing counts after the end";
  EXPECT_EQ(parse_all(packet(6, tcp({254, 4, 9, 9}))).kind, FrameKind::tcp) << "unknown kinds are passed over";
  EXPECT_EQ(parse_all(packet(6, tcp({3, 3, 200, 0}))).options.window_shift, 14);
  const Frame sack = parse_all(packet(6, tcp({1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2})));
  EXPECT_EQ(sack.kind, FrameKind::tcp);
  EXPECT_FALSE(sack.options.has_timestamps);
  ASSERT_EQ(sack.sack.count, 1);
  EXPECT_EQ(sack.sack.blocks[0], (SackBlock{1, 2}));
  const Frame unaligned = parse_all(packet(6, tcp({8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 4, 2})));
  EXPECT_EQ(unaligned.options.ts_value, 5u);
  EXPECT_EQ(unaligned.options.ts_echo, 6u);
  EXPECT_TRUE(unaligned.options.sack_permitted);
}

// Copies to an exact heap block, so that a sanitizer sees any read beyond.
Frame parse_exact(Bytes head, std::size_t frame_bytes) {
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[head.size()]);
  std::memcpy(copy.get(), head.data(), head.size());
  return parse({copy.get(), head.size()}, frame_bytes);
}

TEST(Frame, EveryCutInsideTheHeadersIsTruncated) {
  const Buffer frame = packet(6, tcp({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 3), {0x8100}, 4);
  const std::size_t headers = 18 + 24 + 32;
  for (std::size_t cut = 0; cut < headers; ++cut) {
    EXPECT_EQ(parse_exact(Bytes(frame).first(cut), cut).error, ErrorCode::frame_truncated) << cut;
    EXPECT_EQ(parse_exact(Bytes(frame).first(cut), frame.size()).error, ErrorCode::frame_truncated) << cut;
  }
  for (std::size_t cut = headers; cut < frame.size(); ++cut) {
    EXPECT_EQ(parse_exact(Bytes(frame).first(cut), cut).error, ErrorCode::frame_truncated) << cut;
    EXPECT_EQ(parse_exact(Bytes(frame).first(cut), frame.size()).kind, FrameKind::tcp) << cut;
  }
}

TEST(Frame, MutatedFramesKeepTheOffsetsInside) {
  Random random(5);
  const Buffer seeds[] = {packet(6, tcp({2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}, 30)),
                          packet(17, Buffer(20, 9), {0x8100}), packet(6, tcp({}, 5), {0x88a8, 0x8100}, 12)};
  int tcp_seen = 0;
  for (int round = 0; round < 50000; ++round) {
    Buffer frame = seeds[random.below(std::size(seeds))];
    for (auto flips = random.below(6); flips > 0; --flips) {
      frame[12 + random.below(frame.size() - 12)] = static_cast<std::uint8_t>(random.next());
    }
    if (random.chance(1, 2)) frame.resize(random.below(frame.size() + 1));
    const std::size_t beyond = random.chance(1, 2) ? 0 : random.below(100);
    const Frame parsed = parse_exact(frame, frame.size() + beyond);
    if (parsed.kind != FrameKind::tcp) continue;
    ++tcp_seen;
    ASSERT_LE(parsed.payload_offset, frame.size());
    ASSERT_LE(parsed.l4_offset + 20u, parsed.payload_offset);
    ASSERT_LE(parsed.l3_offset + 20u, parsed.l4_offset);
    ASSERT_LE(parsed.payload_offset + parsed.payload_bytes, frame.size() + beyond);
  }
  EXPECT_GT(tcp_seen, 1000);
}

// Ethernet and IPv6 around what its header's next number says.
Buffer ipv6(std::uint8_t next, const Buffer& payload) {
  Buffer frame(12, 0x02);
  frame.insert(frame.end(), {0x86, 0xdd, 0x6a, 0x5b, 0xcd, 0xef, 0, 0, next, 61});
  store_be16(frame.data() + 18, static_cast<std::uint16_t>(payload.size()));
  frame.resize(54, 0);
  frame[22] = frame[38] = 0x20;
  frame[37] = 1;
  frame[53] = 2;
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Frame, Ipv6TcpIsReadWhole) {
  const Frame frame = parse_all(ipv6(6, tcp({2, 4, 5, 0xa0}, 10)));
  ASSERT_EQ(frame.kind, FrameKind::tcp);
  EXPECT_EQ(frame.source, IpAddress(0x20ULL << 56, 1));
  EXPECT_EQ(frame.destination, IpAddress(0x20ULL << 56, 2));
  EXPECT_EQ(frame.tos, 0xa5);
  EXPECT_EQ(frame.flow_label, 0xbcdefU);
  EXPECT_EQ(frame.ttl, 61);
  EXPECT_EQ(frame.l3_offset, 14);
  EXPECT_EQ(frame.l4_offset, 54);
  EXPECT_EQ(frame.payload_offset, 54 + 24);
  EXPECT_EQ(frame.payload_bytes, 10U);
  EXPECT_EQ(frame.options.mss, 1440);
}

// Hop-by-hop, destination options, routing at its end, a fragment header of a whole packet (RFC 6946).
const Buffer kExtensions = {60, 0, 1, 4, 0,  0, 0, 0, 43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0,
                            0,  0, 0, 0, 44, 0, 0, 0, 0,  0, 0, 0,  6, 0, 0, 6, 1, 2, 3, 4};

TEST(Frame, ExtensionHeadersAreReadThroughInEveryCut) {
  Buffer frame = ipv6(0, kExtensions + tcp({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 3));
  store_be16(frame.data() + 54 + 34, 0);  // no offset, nothing follows
  const std::size_t headers = 54 + kExtensions.size() + 32;
  EXPECT_EQ(parse_all(frame).l4_offset, 54 + kExtensions.size());
  for (std::size_t cut = 0; cut < frame.size(); ++cut) {
    const Frame whole = parse_exact(Bytes(frame).first(cut), frame.size());
    EXPECT_EQ(whole.kind == FrameKind::tcp, cut >= headers) << cut;
    EXPECT_NE(parse_exact(Bytes(frame).first(cut), cut).kind, FrameKind::tcp) << cut;
  }
}

TEST(Frame, Ipv6FragmentsAreTheirOwnKind) {
  for (const auto offset : std::initializer_list<std::uint16_t>{0x0001, 0x0008, 0x0009, 0xfff8}) {
    Buffer frame = ipv6(0, kExtensions + tcp({}, 3));
    store_be16(frame.data() + 54 + 34, offset);
    const Frame parsed = parse_all(frame);
    EXPECT_EQ(parsed.kind, FrameKind::fragment) << offset;
    EXPECT_EQ(parsed.destination, IpAddress(0x20ULL << 56, 2));
  }
}

TEST(Frame, WhatIsNotFollowedSaysWhy) {
  const auto expect_closed = [](const Buffer& frame, ErrorCode error) {
    const Frame parsed = parse_all(frame);
    EXPECT_EQ(parsed.kind, FrameKind::closed);
    EXPECT_EQ(error_name(parsed.error), error_name(error));
    EXPECT_EQ(parsed.destination, IpAddress(0x20ULL << 56, 2)) << "who decides must know";
  };
  expect_closed(ipv6(51, Buffer(40, 0)), ErrorCode::ipv6_extension_unknown);
  expect_closed(ipv6(60, Buffer{0, 0, 0, 0, 0, 0, 0, 0} + Buffer(40, 0)), ErrorCode::ipv6_extension_unknown);
  expect_closed(ipv6(43, Buffer{6, 0, 0, 1, 0, 0, 0, 0} + tcp({})), ErrorCode::ipv6_extension_unknown);
  expect_closed(ipv6(60, {6, 0, 0, 0, 0, 0, 0}), ErrorCode::ipv6_extensions_too_long);
  expect_closed(ipv6(60, {6, 1, 0, 0, 0, 0, 0, 0}), ErrorCode::ipv6_extensions_too_long);
  expect_closed(ipv6(60, Buffer{6, 32, 0, 0, 0, 0, 0, 0} + Buffer(400, 0)), ErrorCode::ipv6_extensions_too_long);
}

TEST(Frame, Ipv6HeadersThatCannotBeAreBad) {
  const Buffer good = ipv6(6, tcp({}, 10));
  Buffer frame = good;
  frame[14] = 0x4a;
  expect_bad(frame, ErrorCode::ip_bad_header);
  frame = good;
  frame[19] = 31;
  expect_bad(frame, ErrorCode::frame_truncated);
  frame = good;
  frame[22] = 0xff;
  expect_bad(frame, ErrorCode::ip_bad_header);  // a multicast source
  for (const std::size_t at : {22, 38}) {       // ::ffff:a.b.c.d
    frame = good;
    std::memset(&frame[at], 0, 16);
    frame[at + 10] = frame[at + 11] = 0xff;
    expect_bad(frame, ErrorCode::ip_bad_header);
  }
}

TEST(Frame, WhatIpv6HasForArpIsLikeIt) {
  for (const auto type : std::initializer_list<std::uint8_t>{130, 133, 135, 136, 137, 143})
    EXPECT_EQ(parse_all(ipv6(58, {type, 0, 0, 0})).kind, FrameKind::other) << int{type};
  EXPECT_EQ(parse_all(ipv6(0, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0})).kind, FrameKind::other);
  for (const auto type : std::initializer_list<std::uint8_t>{1, 2, 128, 129, 138, 144})
    EXPECT_EQ(parse_all(ipv6(58, {type, 0, 0, 0})).kind, FrameKind::icmp) << int{type};
}

TEST(Frame, MutatedIpv6KeepsTheOffsetsInside) {
  Random random(6);
  const Buffer seed = ipv6(0, kExtensions + tcp({2, 4, 5, 0xa0}, 30));
  int tcp_seen = 0;
  for (int round = 0; round < 50000; ++round) {
    Buffer frame = seed;
    store_be16(frame.data() + 54 + 34, 0);
    for (auto flips = random.below(5); flips > 0; --flips)
      frame[14 + random.below(frame.size() - 14)] = static_cast<std::uint8_t>(random.next());
    if (random.chance(1, 2)) frame.resize(random.below(frame.size() + 1));
    const Frame parsed = parse_exact(frame, frame.size());
    if (parsed.kind != FrameKind::tcp) continue;
    ++tcp_seen;
    ASSERT_LE(parsed.l4_offset + 20U, parsed.payload_offset);
    ASSERT_LE(parsed.payload_offset + parsed.payload_bytes, frame.size());
  }
  EXPECT_GT(tcp_seen, 1000);
}

}  // namespace
}  // namespace sluice::wire
