// What is written reads back the same, byte for byte where a standard fixes the bytes.
#include "dataplane/wire/build.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/random.h"

namespace sluice::wire {
namespace {

TcpHeader plain_header() {
  TcpHeader header;
  header.link.length = 14;
  for (int i = 0; i < 12; ++i) header.link.bytes[i] = static_cast<std::uint8_t>(i + 1);
  header.link.bytes[12] = 0x08;
  header.source = 0x0a4d0001;
  header.destination = 0x0a4d0002;
  header.source_port = 40000;
  header.destination_port = 8080;
  header.tos = 2;
  header.ttl = 61;
  header.ip_id = 0x1234;
  header.seq = 0xfffffff0;
  header.ack = 0x01020304;
  header.window = 501;
  header.flags = kAck | kPsh;
  return header;
}

std::vector<std::uint8_t> written(const TcpHeader& header, std::size_t payload_bytes) {
  std::vector<std::uint8_t> frame(header_bytes(header) + payload_bytes, 'x');
  EXPECT_EQ(write(header, payload_bytes, frame), header_bytes(header));
  return frame;
}

void expect_same(const TcpHeader& header, const Frame& frame, std::size_t payload_bytes) {
  EXPECT_EQ(frame.kind, FrameKind::tcp) << error_name(frame.error);
  EXPECT_EQ(frame.link.length, header.link.length);
  EXPECT_EQ(std::memcmp(frame.link.bytes, header.link.bytes, header.link.length), 0);
  EXPECT_EQ(frame.source, header.source);
  EXPECT_EQ(frame.destination, header.destination);
  EXPECT_EQ(frame.source_port, header.source_port);
  EXPECT_EQ(frame.destination_port, header.destination_port);
  EXPECT_EQ(frame.tos, header.tos);
  EXPECT_EQ(frame.ttl, header.ttl);
  EXPECT_EQ(frame.flags, header.flags);
  EXPECT_EQ(frame.seq, header.seq);
  EXPECT_EQ(frame.ack, header.ack);
  EXPECT_EQ(frame.window, header.window);
  EXPECT_EQ(frame.payload_offset, header_bytes(header));
  EXPECT_EQ(frame.payload_bytes, payload_bytes);
  EXPECT_EQ(frame.options.mss, header.options.mss);
  EXPECT_EQ(frame.options.window_shift, header.options.window_shift);
  EXPECT_EQ(frame.options.sack_permitted, header.options.sack_permitted);
  EXPECT_EQ(frame.options.has_timestamps, header.options.has_timestamps);
  EXPECT_EQ(frame.options.ts_value, header.options.ts_value);
  EXPECT_EQ(frame.options.ts_echo, header.options.ts_echo);
}

TEST(Build, ReadsBackTheSameWithEverySetOfOptions) {
  for (unsigned set = 0; set < 16; ++set) {
    for (const std::size_t payload_bytes : {0u, 1u, 1448u, 65000u}) {
      SCOPED_TRACE(set);
      TcpHeader header = plain_header();
      if (set & 1) header.options.mss = 1460;
      if (set & 2) header.options.window_shift = 7;
      header.options.sack_permitted = (set & 4) != 0;
      header.options.has_timestamps = (set & 8) != 0;
      if (set & 8) header.options.ts_value = 0xa1b2c3d4, header.options.ts_echo = 0x11223344;
      const auto frame = written(header, payload_bytes);
      EXPECT_LE(header_bytes(header), kMaxHeaderBytes);
      EXPECT_EQ(header_bytes(header) % 4, 2u) << "options end on a word";
      expect_same(header, parse(frame, frame.size()), payload_bytes);
    }
  }
}

TEST(Build, SackBlocksReadBackAsManyAsFit) {
  const SackBlock blocks[] = {{1, 2}, {0xfffffff0, 5}, {10, 20}, {30, 40}, {50, 60}};
  for (std::size_t count = 0; count <= std::size(blocks); ++count) {
    for (const bool timestamps : {false, true}) {
      TcpHeader header = plain_header();
      header.options.has_timestamps = timestamps;
      header.sack = std::span(blocks).first(count);
      const auto frame = written(header, 7);
      const Frame parsed = parse(frame, frame.size());
      expect_same(header, parsed, 7);
      ASSERT_EQ(parsed.sack.count, std::min<std::size_t>(count, timestamps ? 3 : 4));
      for (std::size_t i = 0; i < parsed.sack.count; ++i) EXPECT_EQ(parsed.sack.blocks[i], blocks[i]);
    }
  }
}

TEST(Build, ASynHasNoRoomForMoreThanTwoBlocks) {
  const SackBlock blocks[] = {{1, 2}, {3, 4}, {5, 6}};
  TcpHeader header = plain_header();
  header.options = {.mss = 1460, .window_shift = 7, .sack_permitted = true, .has_timestamps = true};
  header.sack = blocks;
  const auto frame = written(header, 0);
  EXPECT_LE(header_bytes(header), kMaxHeaderBytes);
  EXPECT_EQ(parse(frame, frame.size()).sack.count, 2);
}

TEST(Build, KeepsVlanTags) {
  TcpHeader header = plain_header();
  const std::uint8_t tags[] = {0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x20, 0x05, 0x08, 0x00};
  std::memcpy(header.link.bytes + 12, tags, sizeof tags);
  header.link.length = 22;
  const auto frame = written(header, 5);
  expect_same(header, parse(frame, frame.size()), 5);
}

TEST(Build, TimestampsHaveTheRecommendedLayout) {
  TcpHeader header = plain_header();
  header.options.has_timestamps = true;
  header.options.ts_value = 0x01020304;
  header.options.ts_echo = 0x05060708;
  const auto frame = written(header, 0);
  const std::uint8_t expected[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(std::memcmp(frame.data() + 54, expected, sizeof expected), 0);
}

TEST(Build, SynLooksLikeLinux) {
  TcpHeader header = plain_header();
  header.flags = kSyn;
  header.options = {.mss = 1460, .window_shift = 7, .sack_permitted = true, .has_timestamps = true, .ts_value = 1};
  const auto frame = written(header, 0);
  const std::uint8_t expected[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
  EXPECT_EQ(std::memcmp(frame.data() + 54, expected, sizeof expected), 0);
}

TEST(Build, DontFragmentIsSetAndTheHeaderChecksumIsRight) {
  const auto frame = written(plain_header(), 100);
  EXPECT_EQ(load_be16(frame.data() + 20), 0x4000);
  EXPECT_EQ(ipv4_header_checksum(Bytes(frame).subspan(14, 20)), 0);
}

// Completing in software gives what a receiver accepts, however the payload lies in pieces.
TEST(Build, CompletedChecksumIsRightForEveryCutOfThePayload) {
  TcpHeader header = plain_header();
  header.options.has_timestamps = true;
  Random random(4);
  for (const std::size_t payload_bytes : {0u, 1u, 2u, 37u, 38u}) {
    for (std::size_t cut = 0; cut <= payload_bytes; ++cut) {
      auto frame = written(header, payload_bytes);
      const std::size_t head = header_bytes(header);
      for (std::size_t i = head; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(random.next());
      const Bytes payload = Bytes(frame).subspan(head);
      ChecksumSum pieces;
      pieces.add(payload.first(cut));
      pieces.add(payload.subspan(cut));
      complete_checksum(MutableBytes(frame).subspan(34, head - 34), kTcpChecksumOffset, pieces);
      ChecksumSum receiver =
          pseudo_header_sum(header.source, header.destination, 6, static_cast<std::uint16_t>(frame.size() - 34));
      receiver.add(Bytes(frame).subspan(34));
      ASSERT_EQ(receiver.folded(), 0xffff) << payload_bytes << " cut at " << cut;
    }
  }
}

TcpHeader ipv6_header() {
  TcpHeader header = plain_header();
  store_be16(header.link.bytes + 12, 0x86dd);
  header.source = {0x2001'0db8'0000'0001, 0x64};
  header.destination = {0x2001'0db8'0000'0000, 2};
  header.flow_label = 0xabcde;
  return header;
}

TEST(Build, Ipv6ReadsBackTheSame) {
  TcpHeader header = ipv6_header();
  header.options.mss = 1440;
  header.options.has_timestamps = true;
  for (const std::size_t payload_bytes : {0, 1, 1400, 65000}) {
    const auto frame = written(header, payload_bytes);
    const Frame parsed = parse(frame, frame.size());
    expect_same(header, parsed, payload_bytes);
    EXPECT_EQ(parsed.flow_label, 0xabcdeU);
    EXPECT_EQ(parsed.l4_offset, 54);
  }
}

TEST(Build, TheCompletedChecksumOfIpv6IsRight) {
  const TcpHeader header = ipv6_header();
  auto frame = written(header, 7);
  const std::size_t head = header_bytes(header);
  ChecksumSum payload;
  payload.add(Bytes(frame).subspan(head));
  complete_checksum(MutableBytes(frame).subspan(54, head - 54), kTcpChecksumOffset, payload);
  // RFC 8200 section 8.1, added up by hand.
  std::uint32_t sum = 6 + static_cast<std::uint32_t>(frame.size() - 54);
  frame.push_back(0);
  for (std::size_t at = 14 + 8; at + 1 < frame.size(); at += 2) sum += load_be16(frame.data() + at);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  EXPECT_EQ(sum, 0xffffU);
}

}  // namespace
}  // namespace sluice::wire
