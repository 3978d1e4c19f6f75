// What a splice makes of a frame as ports give it: offloads, buffers of several pieces, sizes; and what it remembers.
#include "dataplane/session/splice.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <string>
#include <vector>

#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "tests/support/relay_harness.h"

namespace sluice::session {
namespace {

constexpr std::uint32_t kClientNext = 0xfffffff0;  // both streams pass the end of the numbers
constexpr std::uint32_t kServerNext = 0xffffff00;
constexpr std::uint32_t kUp = 10;    // what the request stream grew by before the seam
constexpr std::uint32_t kDown = 77;  // and the response stream

// The client leg, and the server leg, of a session that was quiet.
tcp::Seam client_seam() {
  return {.send_next = kServerNext + kDown,
          .send_edge = kServerNext + kDown + 60000,
          .receive_next = kClientNext,
          .receive_edge = kClientNext + 60000,
          .send_shift = 3,
          .receive_shift = 7,
          .mss = 1460};
}
tcp::Seam server_seam(std::uint16_t mss = 1460, std::uint8_t receive_shift = 3) {
  return {.send_next = kClientNext + kUp,
          .send_edge = kClientNext + kUp + 60000,
          .receive_next = kServerNext,
          .receive_edge = kServerNext + 60000,
          .send_shift = 7,
          .receive_shift = receive_shift,
          .mss = mss};
}

struct Said {
  std::uint32_t seq = kClientNext;
  std::uint32_t ack = kServerNext + kDown;
  std::uint8_t flags = wire::kAck;
  std::string payload = {};
  std::vector<wire::SackBlock> sack = {};
  bool ipv6 = false;
};

class SpliceTest : public testing::Test {
 protected:
  ~SpliceTest() override {
    rte_pktmbuf_free(packet);
    EXPECT_EQ(test_pools().in_use(), 0U);
  }
  // A frame of the client; its payload in pieces of `piece` bytes.
  void make(const Said& said, std::size_t piece = 2000) {
    rte_pktmbuf_free(packet);
    wire::TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14},
                           .source = said.ipv6 ? test::kClientIpv6 : IpAddress(test::kClientAddress),
                           .destination = said.ipv6 ? test::kServerIpv6 : IpAddress(test::kServerAddress),
                           .source_port = 40000,
                           .destination_port = 80,
                           .seq = said.seq,
                           .ack = said.ack,
                           .window = 1000,
                           .flags = said.flags,
                           .options = {},
                           .sack = said.sack};
    if (said.ipv6) store_be16(header.link.bytes + 12, 0x86dd);
    packet = rte_pktmbuf_alloc(test_pools().frames());
    const std::size_t head_bytes = wire::header_bytes(header);
    auto* head = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(packet, static_cast<std::uint16_t>(head_bytes)));
    wire::write(header, said.payload.size(), {head, head_bytes});
    wire::ChecksumSum sum;
    sum.add(as_bytes(said.payload));
    const std::size_t l4 = 14 + wire::ip_header_bytes(header);
    partial_sum = load_be16(head + l4 + wire::kTcpChecksumOffset);
    wire::complete_checksum({head + l4, head_bytes - l4}, wire::kTcpChecksumOffset, sum);
    for (std::size_t at = 0; at < said.payload.size(); at += piece) {
      const std::string part = said.payload.substr(at, piece);
      rte_mbuf* m = rte_pktmbuf_alloc(test_pools().frames());
      std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(part.size())), part.data(), part.size());
      ASSERT_EQ(rte_pktmbuf_chain(packet, m), 0);
    }
    frame = wire::parse({head, head_bytes}, packet->pkt_len);
    ASSERT_EQ(frame.kind, wire::FrameKind::tcp);
    ASSERT_TRUE(port::tcp_checksum_ok(packet, frame));
  }
  void make_coalesced(std::uint16_t segment_bytes) {
    packet->ol_flags |= RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE;
    packet->tso_segsz = segment_bytes;
    store_be16(tcp() + wire::kTcpChecksumOffset, partial_sum);
  }
  std::uint8_t* tcp() { return rte_pktmbuf_mtod_offset(packet, std::uint8_t*, frame.l4_offset); }
  wire::Frame carried(Splice& splice) {
    const Splice::Passage passage = splice.note(Direction::request, frame);
    EXPECT_TRUE(passage.passes);
    repeats = passage.repeats;
    EXPECT_TRUE(splice.carry(Direction::request, frame, packet));
    return wire::parse({rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len}, packet->pkt_len);
  }
  std::string payload() {
    std::string out(frame.payload_bytes, '?');
    const void* at = rte_pktmbuf_read(packet, frame.payload_offset, frame.payload_bytes, out.data());
    if (at != out.data()) std::memcpy(out.data(), at, out.size());
    return out;
  }

  rte_mbuf* packet = nullptr;
  wire::Frame frame;
  std::uint16_t partial_sum = 0;
  bool repeats = false;
};

TEST_F(SpliceTest, AFrameInPiecesKeepsARightChecksum) {
  for (const bool ipv6 : {false, true}) {
    Splice splice(client_seam(), server_seam());
    make({.payload = std::string(1400, 'p'), .ipv6 = ipv6}, 333);
    const wire::Frame out = carried(splice);
    EXPECT_EQ(out.seq, kClientNext + kUp);
    EXPECT_EQ(out.ack, kServerNext);
    EXPECT_EQ(out.window, 1000);
    EXPECT_EQ(packet->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM, 0U) << "patched, not asked for";
    EXPECT_TRUE(port::tcp_checksum_ok(packet, out));
  }
}

TEST_F(SpliceTest, ASuperframeKeepsItsPartialSumAndAsksToBeCut) {
  for (const bool ipv6 : {false, true}) {
    Splice splice(client_seam(), server_seam());
    make({.payload = std::string(9000, 'p'), .ipv6 = ipv6});
    make_coalesced(1448);
    const wire::Frame out = carried(splice);
    EXPECT_EQ(out.seq, kClientNext + kUp);
    EXPECT_EQ(load_be16(tcp() + wire::kTcpChecksumOffset), partial_sum);
    EXPECT_NE(packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0U);
    EXPECT_EQ(packet->tso_segsz, 1448);
    EXPECT_EQ(packet->l4_len, 20);
  }
}

TEST_F(SpliceTest, ASmallerReceiverGetsSmallerSegments) {
  Splice splice(client_seam(), server_seam(536));
  make({.payload = std::string(9000, 'p')});
  make_coalesced(1448);
  carried(splice);
  EXPECT_EQ(packet->tso_segsz, 536);
  make({.seq = kClientNext + 9000, .payload = std::string(1400, 'p')});  // whole, with a finished checksum
  carried(splice);
  EXPECT_EQ(packet->tso_segsz, 536);
  EXPECT_NE(packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0U);
  EXPECT_EQ(load_be16(tcp() + wire::kTcpChecksumOffset), partial_sum);
  make({.seq = kClientNext + 10400, .payload = std::string(536, 'p')});
  carried(splice);
  EXPECT_EQ(packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0U);
}

TEST_F(SpliceTest, SackBlocksAndWindowsAreTranslated) {
  Splice splice(client_seam(), server_seam(1460, 7));
  const std::uint32_t base = kServerNext + kDown;
  make({.sack = {{base + 100, base + 200}, {base + 0x100, base + 0x200}}});
  const wire::Frame out = carried(splice);
  ASSERT_EQ(out.sack.count, 2);
  EXPECT_EQ(out.sack.blocks[0], (wire::SackBlock{kServerNext + 100, kServerNext + 200}));
  EXPECT_EQ(out.sack.blocks[1], (wire::SackBlock{kServerNext + 0x100, kServerNext + 0x200}));
  EXPECT_EQ(out.window, 1000 >> 4);
  EXPECT_TRUE(port::tcp_checksum_ok(packet, out));
}

TEST_F(SpliceTest, WhatLiesBeforeTheSeamIsZerosInEveryPiece) {
  for (const bool coalesced : {false, true}) {
    Splice splice(client_seam(), server_seam());
    make({.seq = kClientNext - 1000, .payload = std::string(1200, 'p')}, 300);
    if (coalesced) make_coalesced(600);
    const wire::Frame out = carried(splice);
    EXPECT_TRUE(repeats);
    EXPECT_EQ(payload(), std::string(1000, '\0') + std::string(200, 'p'));
    EXPECT_EQ(out.seq, kClientNext + kUp - 1000);
    // Somebody below adds up.
    EXPECT_NE(packet->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM, 0U);
    ASSERT_TRUE(port::complete_checksum_in_software(packet));
    packet->ol_flags = 0;
    EXPECT_TRUE(port::tcp_checksum_ok(packet, out));
  }
}

TEST_F(SpliceTest, FarBehindTheSeamItsNumbersMeanSomethingElse) {
  Splice splice(client_seam(), server_seam());
  // 2 GiB go by, each piece acknowledged.
  std::uint32_t at = kClientNext;
  for (int i = 0; i < 70'000; ++i, at += 32'768) {
    const wire::Frame data = [&] {
      wire::Frame f;
      f.flags = wire::kAck;
      f.seq = at;
      f.ack = kServerNext + kDown;
      f.payload_bytes = 32'768;
      f.window = 1000;
      return f;
    }();
    const Splice::Passage passage = splice.note(Direction::request, data);
    ASSERT_FALSE(passage.repeats) << i;
    ASSERT_EQ(passage.fresh, 32'768U) << i;
    wire::Frame ack;
    ack.flags = wire::kAck;
    ack.seq = kServerNext;
    ack.ack = at + kUp + 32'768;
    ack.window = 60'000;
    splice.note(Direction::response, ack);
  }
  EXPECT_EQ(splice.info(Direction::response).in_flight_bytes, 0U);
}

TEST_F(SpliceTest, WhatNoWindowAllowsIsNotCounted) {
  Splice splice(client_seam(), server_seam());
  wire::Frame f;
  f.flags = wire::kAck;
  f.payload_bytes = 100;
  f.ack = kServerNext + kDown + 5;  // of what the server never sent
  f.seq = kClientNext + 60'000 + 65'536;
  EXPECT_EQ(splice.note(Direction::request, f).fresh, 0U);
  EXPECT_EQ(splice.info(Direction::request).in_flight_bytes, 0U);
  f.seq = kClientNext + 100;  // after a hole
  EXPECT_EQ(splice.note(Direction::request, f).fresh, 200U) << "the hole counts when it is seen";
  f.seq = kClientNext;
  EXPECT_EQ(splice.note(Direction::request, f).fresh, 0U) << "and not when it is filled";
}

TEST_F(SpliceTest, ALateFinAndARepeatedOneAreOne) {
  Splice splice(client_seam(), server_seam());
  const auto say = [&](Direction direction, std::uint32_t seq, std::uint32_t ack, int flags, std::uint32_t bytes = 0) {
    wire::Frame f;
    f.flags = static_cast<std::uint8_t>(flags | wire::kAck);
    f.seq = seq;
    f.ack = ack;
    f.payload_bytes = bytes;
    f.window = 1000;
    return splice.note(direction, f);
  };
  const std::uint32_t base = kServerNext + kDown;
  say(Direction::request, kClientNext + 50, base, wire::kFin);  // before its last bytes
  say(Direction::request, kClientNext, base, 0, 50);
  say(Direction::response, kServerNext, kClientNext + kUp + 51, wire::kFin);
  say(Direction::request, kClientNext + 50, base, wire::kFin);
  EXPECT_EQ(splice.state(), Splice::State::open);
  EXPECT_TRUE(say(Direction::request, kClientNext + 51, base + 1, 0).ends);
  EXPECT_EQ(splice.state(), Splice::State::finished);
  EXPECT_FALSE(say(Direction::request, kClientNext + 51, base + 1, wire::kRst).ends);
}

TEST_F(SpliceTest, AResetThatAnswersARepeatedLastFinIsNoFailure) {
  Splice splice(client_seam(), server_seam());
  wire::Frame f;
  f.flags = wire::kFin | wire::kAck;
  f.seq = kClientNext;
  f.ack = kServerNext + kDown;
  splice.note(Direction::request, f);
  f.seq = kServerNext;
  f.ack = kClientNext + kUp + 1;
  splice.note(Direction::response, f);
  wire::Frame reset;
  reset.flags = wire::kRst;
  reset.seq = kClientNext + 1;
  EXPECT_TRUE(splice.note(Direction::request, reset).ends);
  EXPECT_EQ(splice.state(), Splice::State::finished);
}

TEST_F(SpliceTest, ItIsPlainOnlyWithoutAnyDifference) {
  const tcp::Seam client{.send_next = 5, .receive_next = 9, .send_shift = 2, .receive_shift = 4, .mss = 1460};
  tcp::Seam server{.send_next = 9, .receive_next = 5, .send_shift = 4, .receive_shift = 2, .mss = 1460};
  EXPECT_TRUE(Splice(client, server).is_plain());
  server.receive_shift = 3;
  EXPECT_FALSE(Splice(client, server).is_plain());
  server.receive_shift = 2;
  server.receive_next = 6;
  EXPECT_FALSE(Splice(client, server).is_plain());
}

}  // namespace
}  // namespace sluice::session
