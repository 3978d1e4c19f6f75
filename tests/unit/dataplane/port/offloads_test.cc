// Metadata in, metadata out; and the software that does what a port cannot.
#include "dataplane/port/offloads.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "dataplane/port/finish_offloads.h"
#include "tests/unit/dataplane/port/frames.h"

namespace sluice::port {
namespace {

constexpr Capabilities kNothing{};
constexpr Capabilities kChecksumOnly{.tx_checksum = true};
constexpr Capabilities kEverything{.tx_checksum = true, .tx_segmentation = true};

class OffloadsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pools = buffer::Pools::create("offloads", {.frames = 256, .jumbos = 4, .views = 256});
    ASSERT_TRUE(pools) << pools.error().message();
    pools_ = std::make_unique<buffer::Pools>(std::move(*pools));
  }
  void TearDown() override { EXPECT_EQ(pools_->in_use(), 0u); }

  std::vector<std::vector<std::uint8_t>> finish(rte_mbuf* frame, const Capabilities& port, bool* failed = nullptr) {
    std::vector<std::vector<std::uint8_t>> out;
    FinishedFrames frames(frame, port, *pools_);
    while (rte_mbuf* one = frames.next()) {
      flags_.push_back(one->ol_flags);
      out.push_back(bytes_of(one));
      rte_pktmbuf_free(one);
    }
    if (failed != nullptr) *failed = frames.failed();
    return out;
  }

  std::unique_ptr<buffer::Pools> pools_;
  std::vector<std::uint64_t> flags_;
};

TEST_F(OffloadsTest, AFrameThatThePortCanSendPassesAsItIs) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(10000), 1448);
  EXPECT_NE(frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0u);
  FinishedFrames frames(frame, kEverything, *pools_);
  EXPECT_EQ(frames.next(), frame);
  EXPECT_EQ(frames.next(), nullptr);
  EXPECT_FALSE(frames.failed());
  rte_pktmbuf_free(frame);
}

TEST_F(OffloadsTest, AFrameThatIsNotAskedForAndNotReadIsFreed) {
  FinishedFrames frames(tcp_frame(*pools_, tcp_header(), pattern(10000), 1448), kEverything, *pools_);
  FinishedFrames cut(tcp_frame(*pools_, tcp_header(), pattern(10000), 1448), kNothing, *pools_);
  rte_pktmbuf_free(cut.next());
}

TEST_F(OffloadsTest, ChecksumsAreFinishedOverSegmentsOfAnyLength) {
  for (const std::size_t payload_bytes : {0u, 1u, 1447u, 1448u, 5001u}) {
    const auto out = finish(tcp_frame(*pools_, tcp_header(), pattern(payload_bytes), 0), kNothing);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(received_sum(out[0]), 0xffff);
    EXPECT_EQ(flags_.back() & RTE_MBUF_F_TX_L4_MASK, 0u) << "the request is withdrawn";
  }
}

TEST_F(OffloadsTest, AChecksumOfZeroIsZeroInTcp) {
  constexpr std::size_t kChecksumAt = 14 + 20 + wire::kTcpChecksumOffset;
  const auto zeros = finish(tcp_frame(*pools_, tcp_header(), std::string(2, '\0'), 0), kNothing)[0];
  const std::string fitting(zeros.begin() + kChecksumAt, zeros.begin() + kChecksumAt + 2);
  const auto out = finish(tcp_frame(*pools_, tcp_header(), fitting, 0), kNothing)[0];
  EXPECT_EQ(load_be16(out.data() + kChecksumAt), 0);
  EXPECT_EQ(received_sum(out), 0xffff);
}

TEST_F(OffloadsTest, EthernetPaddingIsNotAddedUp) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), "x", 0);
  rte_mbuf* last = rte_pktmbuf_lastseg(frame);
  std::memset(rte_pktmbuf_append(frame, 5), 0xee, 5);
  ASSERT_EQ(last, rte_pktmbuf_lastseg(frame));
  EXPECT_EQ(received_sum(finish(frame, kNothing)[0]), 0xffff);
}

TEST_F(OffloadsTest, SegmentationCutsAsANicDoes) {
  const std::string payload = pattern(10000);
  wire::TcpHeader header = tcp_header();
  header.flags = wire::kAck | wire::kPsh | wire::kFin | wire::kCwr;
  header.ip_id = 0xffff;
  for (const bool port_fills_checksums : {false, true}) {
    flags_.clear();
    const auto out = finish(tcp_frame(*pools_, header, payload, 1448), port_fills_checksums ? kChecksumOnly : kNothing);
    ASSERT_EQ(out.size(), 7u);
    std::string joined;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const wire::Frame frame = wire::parse(out[i], out[i].size());
      ASSERT_EQ(frame.kind, wire::FrameKind::tcp) << error_name(frame.error);
      EXPECT_EQ(frame.seq, header.seq + static_cast<std::uint32_t>(joined.size()));
      EXPECT_EQ(frame.ack, header.ack);
      EXPECT_EQ(frame.options.ts_value, header.options.ts_value);
      EXPECT_EQ(load_be16(out[i].data() + 18), static_cast<std::uint16_t>(0xffff + i));
      const bool last = i + 1 == out.size();
      EXPECT_EQ((frame.flags & (wire::kFin | wire::kPsh)) != 0, last);
      EXPECT_EQ((frame.flags & wire::kCwr) != 0, i == 0);
      EXPECT_EQ(frame.payload_bytes, last ? 10000u % 1448 : 1448u);
      joined += as_text(Bytes(out[i]).subspan(frame.payload_offset, frame.payload_bytes));
      if (port_fills_checksums) {
        EXPECT_EQ(flags_[i] & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
        EXPECT_EQ(load_be16(out[i].data() + 34 + 16),
                  pseudo_header_sum_of(out[i].data() + 14, IPPROTO_TCP, out[i].size() - 34));
      } else {
        EXPECT_EQ(received_sum(out[i]), 0xffff);
        EXPECT_EQ(flags_[i] & RTE_MBUF_F_TX_L4_MASK, 0u);
      }
    }
    EXPECT_EQ(joined, payload);
  }
}

// Frames as they come from a port: headers, then payload.
buffer::Chain received(buffer::Pools& pools, const std::string& payload) {
  const std::string frame = std::string(66, 'h') + payload;
  buffer::Chain chain;
  EXPECT_TRUE(chain.append_copy(pools, as_bytes(frame)));
  return buffer::Chain::payload_of(chain.to_packet(), 66, payload.size());
}

class SegmentationTest : public OffloadsTest {
 protected:
  // What pieces of these sizes leave as; each frame has to be right.
  std::vector<rte_mbuf*> cut(const std::vector<std::size_t>& pieces, std::uint16_t segment_bytes) {
    const std::string text = pattern(std::accumulate(pieces.begin(), pieces.end(), std::size_t{0}));
    std::size_t at = 0;
    for (const std::size_t bytes : pieces) {
      kept.append(received(*pools_, text.substr(at, bytes)));
      at += bytes;
    }
    buffer::Chain payload;
    EXPECT_TRUE(kept.share(*pools_, 0, text.size(), payload));
    std::uint8_t head[wire::kMaxHeaderBytes];
    const std::size_t head_bytes = wire::write(tcp_header(), text.size(), head);
    Segmentation segments({head, head_bytes}, 14, 20, segment_bytes);
    std::vector<rte_mbuf*> frames;
    std::string joined;
    while (!payload.empty()) {
      rte_mbuf* frame = segments.next(*pools_, payload);
      if (frame == nullptr) break;
      EXPECT_TRUE(complete_checksum_in_software(frame));
      const auto bytes = bytes_of(frame);
      EXPECT_EQ(received_sum(bytes), 0xffff);
      const wire::Frame parsed = wire::parse(bytes, bytes.size());
      EXPECT_EQ(parsed.kind, wire::FrameKind::tcp);
      EXPECT_EQ(parsed.seq, tcp_header().seq + static_cast<std::uint32_t>(joined.size()));
      EXPECT_EQ((parsed.flags & wire::kPsh) != 0, payload.empty());
      joined += as_text(Bytes(bytes).subspan(parsed.payload_offset));
      frames.push_back(frame);
    }
    EXPECT_EQ(joined, text);
    std::string still(kept.length_bytes(), 0);
    kept.copy_out(0, still.size(), reinterpret_cast<std::uint8_t*>(still.data()));
    EXPECT_EQ(still, text);
    kept.clear();
    return frames;
  }
  static std::vector<std::size_t> payloads(const std::vector<rte_mbuf*>& frames) {
    std::vector<std::size_t> out;
    for (rte_mbuf* frame : frames) {
      out.push_back(frame->pkt_len - 66);
      rte_pktmbuf_free(frame);
    }
    return out;
  }
  buffer::Chain kept;  // as for a retransmission
};

using Sizes = std::vector<std::size_t>;

TEST_F(SegmentationTest, PiecesAsTheyCameLeaveUnderHeadersWhereTheOldOnesWere) {
  const auto frames = cut({1448, 1448, 1448, 100}, 1448);
  for (const rte_mbuf* frame : frames) EXPECT_EQ(frame->nb_segs, 1);
  EXPECT_EQ(payloads(frames), (Sizes{1448, 1448, 1448, 100}));
}

TEST_F(SegmentationTest, AFrameThatIsNearlyFullIsNotFilledUp) {
  EXPECT_EQ(payloads(cut({1400, 1448, 1448}, 1448)), (Sizes{1400, 1448, 1448}));
  EXPECT_EQ(payloads(cut({1300, 1448, 1448}, 1448)), (Sizes{1448, 1448, 1300}));
  EXPECT_EQ(payloads(cut({2000, 1448}, 1448)), (Sizes{1448, 1448, 552}));
}

TEST_F(SegmentationTest, AFewBytesInFrontAreNoPieceOfTheirOwn) {
  const auto frames = cut({40, 1448, 1448, 1448}, 1448);
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[1]->nb_segs, 1);
  EXPECT_EQ(frames[2]->nb_segs, 1);
  EXPECT_EQ(payloads(frames), (Sizes{1448, 1448, 1448, 40}));
}

TEST_F(SegmentationTest, SmallPiecesFillASegment) {
  EXPECT_EQ(payloads(cut(Sizes(20, 100), 536)), (Sizes{536, 536, 536, 392}));
}

TEST_F(SegmentationTest, AnySizesComeOutWhole) {
  std::minstd_rand random(3);
  for (int i = 0; i < 300; ++i) {
    Sizes pieces(1 + random() % 6);
    for (std::size_t& bytes : pieces) bytes = 1 + random() % 1448;
    const auto segment_bytes = static_cast<std::uint16_t>(36 + random() % 1424);
    const Sizes out = payloads(cut(pieces, segment_bytes));
    for (std::size_t k = 0; k < out.size(); ++k) {
      EXPECT_LE(out[k], segment_bytes);
      if (k + 1 < out.size()) {
        EXPECT_GE(out[k], Segmentation::least_bytes(segment_bytes));
      }
    }
  }
}

TEST_F(OffloadsTest, SegmentationOfIpv6) {
  const std::string payload = pattern(4000);
  const auto out = finish(tcp6_frame(*pools_, payload, 1400), kNothing);
  ASSERT_EQ(out.size(), 3u);
  std::string joined;
  for (const auto& frame : out) {
    EXPECT_EQ(load_be16(frame.data() + 14 + 4) + 54u, frame.size());
    EXPECT_EQ(load_be32(frame.data() + 54 + 4), 1000 + joined.size());
    EXPECT_EQ(received_sum(frame), 0xffff);
    joined += as_text(Bytes(frame).subspan(74));
  }
  EXPECT_EQ(joined, payload);
}

TEST_F(OffloadsTest, SegmentationOfTheLargestFrameIntoTheSmallestSegments) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(64000), 536);
  FinishedFrames frames(frame, kNothing, *pools_);
  std::size_t payload_bytes = 0;
  while (rte_mbuf* one = frames.next()) {
    payload_bytes += one->pkt_len - 66;
    rte_pktmbuf_free(one);
  }
  EXPECT_FALSE(frames.failed());
  EXPECT_EQ(payload_bytes, 64000u);
}

TEST_F(OffloadsTest, WithoutBuffersTheRestIsDroppedAndSaid) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(20000), 1448);
  std::vector<rte_mbuf*> hoard;
  while (rte_mbuf* m = rte_pktmbuf_alloc(pools_->frames())) hoard.push_back(m);
  for (int i = 0; i < 3; ++i, hoard.pop_back()) rte_pktmbuf_free(hoard.back());
  {
    FinishedFrames frames(frame, kNothing, *pools_);
    std::vector<rte_mbuf*> got;
    while (rte_mbuf* one = frames.next()) got.push_back(one);
    EXPECT_GE(got.size(), 3u);
    EXPECT_LT(got.size(), 14u);
    EXPECT_TRUE(frames.failed());
    for (rte_mbuf* m : got) rte_pktmbuf_free(m);
  }
  for (rte_mbuf* m : hoard) rte_pktmbuf_free(m);
}

TEST_F(OffloadsTest, MetadataThatMakesNoSenseIsDropped) {
  bool failed = false;
  rte_mbuf* no_size = tcp_frame(*pools_, tcp_header(), pattern(5000), 1448);
  no_size->tso_segsz = 0;
  EXPECT_TRUE(finish(no_size, kNothing, &failed).empty());
  EXPECT_TRUE(failed);
  rte_mbuf* no_l4 = tcp_frame(*pools_, tcp_header(), pattern(5000), 1448);
  no_l4->l4_len = 0;
  EXPECT_TRUE(finish(no_l4, kNothing, &failed).empty());
  EXPECT_TRUE(failed);
  rte_mbuf* beyond = tcp_frame(*pools_, tcp_header(), "abc", 0);
  beyond->l3_len = 100;
  EXPECT_TRUE(finish(beyond, kNothing, &failed).empty());
  EXPECT_TRUE(failed);
}

// From receipt to sending, for a frame that only passes through.
TEST_F(OffloadsTest, ACoalescedFrameWithAPartialChecksumKeepsBoth) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(9000), 0);
  const auto before = bytes_of(frame);
  frame->ol_flags = RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE;
  frame->tx_offload = 0;
  frame->tso_segsz = 1448;
  ASSERT_TRUE(prepare_forward(frame));
  EXPECT_EQ(frame->ol_flags,
            RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM);
  EXPECT_EQ(frame->l2_len, 14);
  EXPECT_EQ(frame->l3_len, 20);
  EXPECT_EQ(frame->l4_len, 32);
  EXPECT_EQ(bytes_of(frame), before);
  const auto out = finish(frame, kNothing);
  ASSERT_EQ(out.size(), 7u);
  for (const auto& one : out) EXPECT_EQ(received_sum(one), 0xffff);
}

TEST_F(OffloadsTest, ACoalescedFrameWithAFinishedChecksumGetsAPartialOne) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(9000), 0);
  const auto partial = bytes_of(frame);
  ASSERT_TRUE(complete_checksum_in_software(frame));
  frame->ol_flags = RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  frame->tso_segsz = 1448;
  ASSERT_TRUE(prepare_forward(frame));
  EXPECT_EQ(bytes_of(frame), partial);
  rte_pktmbuf_free(frame);
}

TEST_F(OffloadsTest, APlainFramePassesWithoutRequests) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), "abc", 0);
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
  ASSERT_TRUE(prepare_forward(frame));
  EXPECT_EQ(frame->ol_flags, 0u);
  rte_pktmbuf_free(frame);
}

TEST_F(OffloadsTest, APartialUdpChecksumIsFinished) {
  for (const std::size_t payload_bytes : {0u, 1u, 1000u}) {
    buffer::Chain chain;
    ASSERT_TRUE(chain.append_copy(*pools_, udp_bytes(payload_bytes)));
    rte_mbuf* frame = chain.to_packet();
    frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
    ASSERT_TRUE(prepare_forward(frame));
    EXPECT_EQ(frame->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM);
    const auto out = finish(frame, kNothing);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(received_sum(out[0]), 0xffff);
  }
}

TEST_F(OffloadsTest, ContradictionsAreNotForwarded) {
  buffer::Chain chain;
  ASSERT_TRUE(chain.append_copy(*pools_, udp_bytes(10)));
  rte_mbuf* udp = chain.to_packet();
  udp->ol_flags = RTE_MBUF_F_RX_LRO;
  udp->tso_segsz = 1000;
  EXPECT_FALSE(prepare_forward(udp)) << "coalesced UDP is not understood";
  rte_pktmbuf_free(udp);
  rte_mbuf* tcp = tcp_frame(*pools_, tcp_header(), pattern(3000), 0);
  tcp->ol_flags = RTE_MBUF_F_RX_LRO | RTE_MBUF_F_RX_L4_CKSUM_NONE;
  EXPECT_FALSE(prepare_forward(tcp)) << "coalesced from segments of no size";
  rte_pktmbuf_free(tcp);
}

TEST_F(OffloadsTest, ReceivedChecksumsAreBelievedOrAddedUp) {
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), pattern(4001), 0);
  ASSERT_TRUE(complete_checksum_in_software(frame));
  const auto head = [&] {
    return wire::parse({rte_pktmbuf_mtod(frame, std::uint8_t*), frame->data_len}, frame->pkt_len);
  };
  EXPECT_TRUE(tcp_checksum_ok(frame, head()));
  rte_mbuf* last = rte_pktmbuf_lastseg(frame);
  *rte_pktmbuf_mtod_offset(last, std::uint8_t*, last->data_len - 1) ^= 1;
  EXPECT_FALSE(tcp_checksum_ok(frame, head()));
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  EXPECT_TRUE(tcp_checksum_ok(frame, head()));
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
  EXPECT_TRUE(tcp_checksum_ok(frame, head()));
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
  EXPECT_FALSE(tcp_checksum_ok(frame, head()));
  rte_pktmbuf_free(frame);
}

}  // namespace
}  // namespace sluice::port
