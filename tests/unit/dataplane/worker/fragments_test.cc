// Fragments to and from protected addresses: TCP of a service is put together, all else is refused.
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

// The IPv4 fragments of a frame, the first with `bytes` of its segment.
std::pair<FrameBytes, FrameBytes> cut(const FrameBytes& frame, std::size_t bytes) {
  const auto piece = [&frame](std::size_t begin, std::size_t end, bool more) {
    FrameBytes part = frame;
    part.resize(34 + end);
    part.erase(part.begin() + 34, part.begin() + static_cast<std::ptrdiff_t>(34 + begin));
    std::uint8_t* ip = part.data() + 14;
    store_be16(ip + 2, static_cast<std::uint16_t>(part.size() - 14));
    store_be16(ip + 4, 4711);
    store_be16(ip + 6, static_cast<std::uint16_t>((more ? 0x2000 : 0) | begin / 8));
    store_be16(ip + 10, 0);
    store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
    return part;
  };
  return {piece(0, bytes, true), piece(bytes, frame.size() - 34, false)};
}

class FragmentTest : public WorkerTest {
 protected:
  void SetUp() override { start(test::masking_policy()); }
};

TEST_F(FragmentTest, ASegmentInPiecesIsReadWhole) {
  const auto [begin, rest] = cut(tcp_frame(Side::client, {.seq = 99}), 8);
  deliver(Side::client, rest);  // not even the ports stand in the first piece
  EXPECT_TRUE(server.out.empty());
  deliver(Side::client, begin);
  const wire::Frame syn = next(Side::server);
  EXPECT_EQ(syn.kind, wire::FrameKind::tcp);
  EXPECT_EQ(syn.seq, 99U);
  EXPECT_EQ(worker->sessions_open(), 1U);
  from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100});
  from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500});
  server.out.clear();

  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Card: 4111 1111 1111 1111\r\n\r\n";
  const FrameBytes whole = tcp_frame(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .payload = request});
  const auto [first, second] = cut(whole, 64);
  deliver(Side::client, first);
  EXPECT_TRUE(server.out.empty());
  deliver(Side::client, second);
  FrameBytes bytes;
  const wire::Frame asked = next(Side::server, &bytes);
  EXPECT_EQ(asked.payload_bytes, request.size());
  EXPECT_EQ(as_text(bytes).find("4111 1111"), std::string_view::npos) << "what a piece alone would have shown";
}

TEST_F(FragmentTest, AWrongChecksumIsSeenInTheWhole) {
  FrameBytes frame = tcp_frame(Side::client, {.seq = 99});
  frame.back() ^= 1;
  const auto [first, second] = cut(frame, 16);
  deliver(Side::client, first);
  deliver(Side::client, second);
  EXPECT_EQ(count(ErrorCode::tcp_bad_checksum), 1U);
  EXPECT_TRUE(server.out.empty());
}

TEST_F(FragmentTest, WhatIsOfNoServiceIsRefused) {
  const auto [first, second] = cut(tcp_frame(Side::client, {.seq = 99, .server_port = 81}), 16);
  deliver(Side::client, first);
  deliver(Side::client, second);
  EXPECT_EQ(count(ErrorCode::fragment_refused), 1U);
  const auto [other, rest] = cut(tcp_frame(Side::client, {.server = 0x0a000099}), 16);
  expect_passes(other);
  expect_passes(rest);
}

TEST_F(FragmentTest, WhatNeverEndsIsCountedAndForgotten) {
  const auto [first, second] = cut(tcp_frame(Side::client, {.seq = 99}), 16);
  deliver(Side::client, first);
  now += 20 * kSecond;
  deliver(Side::client, second);
  EXPECT_EQ(count(ErrorCode::fragment_expired), 1U);
  EXPECT_TRUE(server.out.empty());
}

}  // namespace
}  // namespace sluice::worker
