// FragmentTable: every cut and order gives the segment that was cut; what overlaps, exceeds or never ends does not.
#include "dataplane/wire/fragments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"
#include "dataplane/wire/build.h"

namespace sluice::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

struct Piece {
  std::uint16_t offset = 0;
  bool more = false;
  Buffer bytes = {};
};

const IpAddress kIpv6Client{0x2001'0db8'0000'0001, 0x64};
const IpAddress kIpv6Server{0x2001'0db8'0000'0000, 2};

// A whole TCP frame as write() makes it, with its payload.
Buffer whole_frame(bool ipv4, std::size_t payload_bytes) {
  TcpHeader header;
  header.link.length = 14;
  store_be16(header.link.bytes + 12, ipv4 ? 0x0800 : 0x86dd);
  header.source = ipv4 ? IpAddress(0x0a000041) : kIpv6Client;
  header.destination = ipv4 ? IpAddress(0x0a000002) : kIpv6Server;
  header.flags = kAck;
  header.seq = 77;
  Buffer frame(header_bytes(header) + payload_bytes);
  write(header, payload_bytes, frame);
  Random random(payload_bytes);
  for (std::size_t i = header_bytes(header); i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(random.next());
  return frame;
}

// The frame that carries one piece of it.
Buffer fragment_frame(const Buffer& whole, const Piece& piece, std::uint32_t id, std::uint8_t protocol = 6) {
  const bool ipv4 = whole[14] >> 4 == 4;
  Buffer frame(whole.begin(), whole.begin() + (ipv4 ? 34 : 54));
  std::uint8_t* ip = frame.data() + 14;
  if (ipv4) {
    store_be16(ip + 2, static_cast<std::uint16_t>(20 + piece.bytes.size()));
    store_be16(ip + 4, static_cast<std::uint16_t>(id));
    store_be16(ip + 6, static_cast<std::uint16_t>((piece.more ? 0x2000 : 0) | piece.offset / 8));
    ip[9] = protocol;
    store_be16(ip + 10, 0);
    store_be16(ip + 10, ipv4_header_checksum({ip, 20}));
  } else {
    store_be16(ip + 4, static_cast<std::uint16_t>(8 + piece.bytes.size()));
    ip[6] = 44;
    frame.insert(frame.end(), {protocol, 0, 0, 0, 0, 0, 0, 0});
    store_be16(frame.data() + 56, static_cast<std::uint16_t>(piece.offset | (piece.more ? 1 : 0)));
    store_be32(frame.data() + 58, id);
  }
  frame.insert(frame.end(), piece.bytes.begin(), piece.bytes.end());
  return frame;
}

Buffer segment_of(const Buffer& whole) {
  return {whole.begin() + (whole[14] >> 4 == 4 ? 34 : 54), whole.end()};
}

// `unit` bytes each, a multiple of eight; the last is what remains.
std::vector<Piece> pieces_of(const Buffer& segment, std::size_t unit) {
  std::vector<Piece> pieces;
  for (std::size_t at = 0; at < segment.size(); at += unit) {
    const std::size_t end = std::min(segment.size(), at + unit);
    pieces.push_back({static_cast<std::uint16_t>(at), end < segment.size(),
                      Buffer(segment.begin() + static_cast<std::ptrdiff_t>(at),
                             segment.begin() + static_cast<std::ptrdiff_t>(end))});
  }
  return pieces;
}

class FragmentsTest : public testing::TestWithParam<bool> {
 protected:
  ErrorCode add(const Buffer& frame, bool from_client = true) {
    const Frame parsed = parse(frame, frame.size());
    EXPECT_EQ(parsed.kind, FrameKind::fragment);
    const Fragment fragment = read_fragment(frame, parsed);
    return table.add(parsed, fragment, from_client,
                     Bytes(frame).subspan(fragment.payload_offset, fragment.payload_bytes), now, whole);
  }
  ErrorCode add(const Buffer& from, const Piece& piece, std::uint32_t id = 1) {
    return add(fragment_frame(from, piece, id));
  }

  FragmentTable table;
  TimeNs now = kSecond;
  Bytes whole;
};

INSTANTIATE_TEST_SUITE_P(Families, FragmentsTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Ipv4" : "Ipv6"; });

TEST_P(FragmentsTest, EveryCutInAnyOrderGivesTheSegmentThatWasCut) {
  const Buffer frame = whole_frame(GetParam(), 300);
  Random random(7);
  for (std::size_t unit = 8; unit <= 312; unit += 8) {
    std::vector<Piece> pieces = pieces_of(segment_of(frame), unit);
    for (int round = 0; round < 4; ++round) {
      for (std::size_t i = pieces.size(); i > 1; --i) std::swap(pieces[i - 1], pieces[random.below(i)]);
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        ASSERT_EQ(add(frame, pieces[i]), ErrorCode::ok);
        ASSERT_EQ(whole.empty(), i + 1 < pieces.size());
        if (whole.empty()) {
          ASSERT_EQ(add(frame, pieces[i]), ErrorCode::ok) << "a repeated fragment is nothing new";
        }
      }
      ASSERT_EQ(segment_of(Buffer(whole.begin(), whole.end())), segment_of(frame));
      const Frame parsed = parse(whole, whole.size());
      ASSERT_EQ(parsed.kind, FrameKind::tcp) << error_name(parsed.error);
      ASSERT_EQ(parsed.seq, 77U);
      ASSERT_EQ(parsed.payload_bytes, 300U);
      ASSERT_EQ(table.waiting(), 0U);
    }
  }
}

TEST_P(FragmentsTest, WhatOverlapsIsDroppedWhole) {
  const Buffer frame = whole_frame(GetParam(), 300);
  const auto first = pieces_of(segment_of(frame), 64);
  std::vector<Piece> bad;
  bad.push_back({0, true, Buffer(64, 'x')});   // other bytes at the same place
  bad.push_back({56, true, Buffer(16, 'x')});  // half of it
  bad.push_back({0, true, Buffer(128, 'x')});  // all of it and more
  bad.push_back({56, false, Buffer(8, 'x')});  // an end in the middle
  for (const Piece& piece : bad) {
    ASSERT_EQ(add(frame, first[0]), ErrorCode::ok);
    EXPECT_EQ(add(frame, piece), ErrorCode::fragment_overlaps);
    EXPECT_EQ(table.waiting(), 0U);
  }
  // Two ends, and something behind the end.
  ASSERT_EQ(add(frame, {64, false, Buffer(10, 'x')}), ErrorCode::ok);
  EXPECT_EQ(add(frame, {128, false, Buffer(10, 'x')}), ErrorCode::fragment_overlaps);
  ASSERT_EQ(add(frame, {64, false, Buffer(10, 'x')}), ErrorCode::ok);
  EXPECT_EQ(add(frame, {128, true, Buffer(8, 'x')}), ErrorCode::fragment_overlaps);
  ASSERT_EQ(add(frame, {128, true, Buffer(8, 'x')}), ErrorCode::ok);
  EXPECT_EQ(add(frame, {64, false, Buffer(10, 'x')}), ErrorCode::fragment_overlaps);
}

TEST_P(FragmentsTest, WhatCannotBeIsRefused) {
  const Buffer frame = whole_frame(GetParam(), 300);
  EXPECT_EQ(add(frame, {0, true, Buffer(9, 'x')}), ErrorCode::fragment_bad);
  EXPECT_EQ(add(frame, {8, false, {}}), ErrorCode::fragment_bad);
  EXPECT_EQ(add(frame, {0xfff8, false, Buffer(100, 'x')}), ErrorCode::fragment_bad);
  EXPECT_EQ(add(fragment_frame(frame, {0, true, Buffer(8, 'x')}, 1, 17)), ErrorCode::fragment_refused);
  EXPECT_EQ(table.waiting(), 0U);
}

TEST_P(FragmentsTest, DatagramsAreBoundedInNumberAndTime) {
  Buffer frame = whole_frame(GetParam(), 300);
  const Piece first = pieces_of(segment_of(frame), 64)[0];
  for (std::uint32_t id = 0; id < 4; ++id) EXPECT_EQ(add(frame, first, id), ErrorCode::ok);
  EXPECT_EQ(add(frame, first, 4), ErrorCode::fragments_exceeded) << "of one source";
  for (std::uint8_t source = 1; table.waiting() < 32; ++source) {
    const std::size_t at = GetParam() ? 14 + 15 : 14 + 8 + 7;  // another host, another /64
    frame[at] = static_cast<std::uint8_t>(0x80 + source);
    EXPECT_EQ(add(frame, first), ErrorCode::ok);
  }
  frame[GetParam() ? 14 + 15 : 14 + 8 + 7] = 0x7f;
  EXPECT_EQ(add(frame, first), ErrorCode::fragments_exceeded) << "of all";
  EXPECT_EQ(table.take_expired(), 0U);
  now += 15 * kSecond;
  EXPECT_EQ(add(frame, first), ErrorCode::ok);
  EXPECT_EQ(table.waiting(), 1U);
  EXPECT_EQ(table.take_expired(), 32U);
}

TEST_P(FragmentsTest, DatagramsDoNotMix) {
  const Buffer a = whole_frame(GetParam(), 300);
  Buffer b = whole_frame(GetParam(), 299);
  const auto of_a = pieces_of(segment_of(a), 200);
  const auto of_b = pieces_of(segment_of(b), 200);
  EXPECT_EQ(add(a, of_a[0], 1), ErrorCode::ok);
  EXPECT_EQ(add(b, of_b[1], 2), ErrorCode::ok);
  EXPECT_EQ(add(fragment_frame(a, of_a[1], 1), false), ErrorCode::ok);
  EXPECT_TRUE(whole.empty()) << "from the other side";
  EXPECT_EQ(add(a, of_a[1], 1), ErrorCode::ok);
  EXPECT_EQ(segment_of(Buffer(whole.begin(), whole.end())), segment_of(a));
  EXPECT_EQ(add(b, of_b[0], 2), ErrorCode::ok);
  EXPECT_EQ(segment_of(Buffer(whole.begin(), whole.end())), segment_of(b));
}

}  // namespace
}  // namespace sluice::wire
