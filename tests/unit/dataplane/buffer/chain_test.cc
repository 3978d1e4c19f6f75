// Chains: each operation by itself, with buffers counted at the end.
#include "dataplane/buffer/chain.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::buffer {
namespace {

std::string text_of(const Chain& chain) {
  std::string text(chain.length_bytes(), '\0');
  chain.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

class ChainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pools = Pools::create("chain_test", {.frames = 32, .jumbos = 4, .views = 16});
    ASSERT_TRUE(pools) << pools.error().message();
    pools_ = std::make_unique<Pools>(std::move(*pools));
  }
  void TearDown() override { EXPECT_EQ(pools_->in_use(), 0u) << "buffers leaked or were freed twice"; }

  // A received packet with one segment for each piece.
  rte_mbuf* packet_of(const std::vector<std::string>& pieces) {
    rte_mbuf* packet = nullptr;
    for (const std::string& piece : pieces) {
      rte_mbuf* m = rte_pktmbuf_alloc(pools_->frames());
      std::memcpy(rte_pktmbuf_append(m, static_cast<std::uint16_t>(piece.size())), piece.data(), piece.size());
      if (packet == nullptr) {
        packet = m;
      } else {
        EXPECT_EQ(rte_pktmbuf_chain(packet, m), 0);
      }
    }
    return packet;
  }
  Chain chain_of(const std::vector<std::string>& pieces) { return Chain(packet_of(pieces)); }
  // Takes every view there is, so that the next cut finds none.
  std::vector<rte_mbuf*> exhaust(rte_mempool* pool) {
    std::vector<rte_mbuf*> all;
    while (rte_mbuf* m = rte_pktmbuf_alloc(pool)) all.push_back(m);
    return all;
  }
  static void give_back(const std::vector<rte_mbuf*>& all) {
    for (rte_mbuf* m : all) rte_pktmbuf_free(m);
  }

  std::unique_ptr<Pools> pools_;
};

TEST_F(ChainTest, AdoptsAPacketAndFreesItsEmptySegments) {
  Chain chain = chain_of({"", "ab", "", "cde", ""});
  EXPECT_EQ(chain.length_bytes(), 5u);
  EXPECT_EQ(chain.segments(), 2u);
  EXPECT_EQ(text_of(chain), "abcde");
  EXPECT_EQ(pools_->in_use(), 2u);
  Chain nothing = chain_of({"", ""});
  EXPECT_TRUE(nothing.empty());
}

// What a frame came with: eight bytes of headers, then payload, then padding.
constexpr std::size_t kHeaders = 8;

TEST_F(ChainTest, PayloadOfCutsHeadersAndPaddingOff) {
  Chain chain = Chain::payload_of(packet_of({"headers:pay", "load", "padding"}), kHeaders, 7);
  EXPECT_EQ(text_of(chain), "payload");
  EXPECT_EQ(pools_->in_use(), 2u);
}

TEST_F(ChainTest, PrependWritesOverTheHeadersThatThePayloadCameUnder) {
  Chain chain = Chain::payload_of(packet_of({"headers:payload"}), kHeaders, 7);
  Chain views;
  ASSERT_TRUE(chain.share(*pools_, 0, 7, views));
  std::uint8_t* head = views.prepend(*pools_, 4);
  ASSERT_NE(head, nullptr);
  std::memcpy(head, "new:", 4);
  EXPECT_EQ(text_of(views), "new:payload");
  EXPECT_EQ(views.segments(), 1u);
  EXPECT_EQ(text_of(chain), "payload");
}

// The frame that went first may still be on its way out.
TEST_F(ChainTest, PrependGivesTheHeadersAwayOnce) {
  Chain chain = Chain::payload_of(packet_of({"headers:payload"}), kHeaders, 7);
  Chain first;
  Chain second;
  ASSERT_TRUE(chain.share(*pools_, 0, 7, first));
  ASSERT_TRUE(chain.share(*pools_, 0, 3, second));
  std::memcpy(first.prepend(*pools_, 4), "one:", 4);
  std::memcpy(second.prepend(*pools_, 4), "two:", 4);
  EXPECT_EQ(text_of(first), "one:payload");
  EXPECT_EQ(text_of(second), "two:pay");
  EXPECT_EQ(second.segments(), 2u);
}

TEST_F(ChainTest, PrependLeavesPayloadThatWasCutOffInFrontAlone) {
  Chain chain = Chain::payload_of(packet_of({"headers:payload"}), kHeaders, 7);
  Chain front;
  ASSERT_TRUE(chain.take_front(*pools_, 3, front));
  std::memcpy(chain.prepend(*pools_, 4), "new:", 4);
  EXPECT_EQ(text_of(front), "pay");
  EXPECT_EQ(text_of(chain), "new:load");
}

TEST_F(ChainTest, AFewBytesThatAreLeftOfOnePacketGoBeforeTheNext) {
  Chain chain = Chain::payload_of(packet_of({"headers:payload"}), kHeaders, 7);
  chain.append(Chain::payload_of(packet_of({"headers:second"}), kHeaders, 6));
  Chain views;
  ASSERT_TRUE(chain.share(*pools_, 4, 7, views));
  const auto hoard = exhaust(pools_->frames());
  std::memcpy(views.prepend(*pools_, 4), "new:", 4);
  give_back(hoard);
  EXPECT_EQ(text_of(views), "new:oadseco");
  EXPECT_EQ(views.segments(), 1u);
  EXPECT_EQ(text_of(chain), "payloadsecond");

  // The same again finds no headers there.
  Chain again;
  ASSERT_TRUE(chain.share(*pools_, 4, 7, again));
  std::memcpy(again.prepend(*pools_, 4), "and:", 4);
  EXPECT_EQ(text_of(again), "and:oadseco");
  EXPECT_EQ(text_of(views), "new:oadseco");
  EXPECT_EQ(again.segments(), 3u);
}

TEST_F(ChainTest, ManyBytesThatAreLeftStayWhereTheyAre) {
  const std::string many(RTE_PKTMBUF_HEADROOM + 2, 'm');
  Chain chain = Chain::payload_of(packet_of({"headers:" + many}), kHeaders, many.size());
  chain.append(Chain::payload_of(packet_of({"headers:second"}), kHeaders, 6));
  chain.drop_front(1);
  std::memcpy(chain.prepend(*pools_, 4), "new:", 4);
  EXPECT_EQ(text_of(chain), "new:" + many.substr(1) + "second");
  EXPECT_EQ(chain.segments(), 3u);
}

TEST_F(ChainTest, ManyViewsAreMadeOrNone) {
  pools_ = std::make_unique<Pools>(*Pools::create("many_views", {.frames = 256, .jumbos = 4, .views = 128}));
  Chain chain;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    chain.append(chain_of({"abc"}));
    text += "abc";
  }
  Chain views;
  ASSERT_TRUE(chain.share(*pools_, 4, 293, views));
  EXPECT_EQ(text_of(views), text.substr(4, 293));
  EXPECT_EQ(views.segments(), 98u);
  const auto hoard = exhaust(pools_->views());
  views.clear();
  Chain most;
  EXPECT_FALSE(chain.share(*pools_, 0, 300, most)) << "98 are free";
  EXPECT_TRUE(most.empty());
  EXPECT_TRUE(chain.share(*pools_, 0, 294, most));
  give_back(hoard);
}

TEST_F(ChainTest, PrependTakesABufferWhereNoHeadersWere) {
  Chain copied;
  ASSERT_TRUE(copied.append_copy(*pools_, as_bytes("payload")));
  copied.drop_front(3);
  std::memcpy(copied.prepend(*pools_, 4), "new:", 4);
  EXPECT_EQ(text_of(copied), "new:load");
  Chain second = Chain::payload_of(packet_of({"headers:", "payload"}), kHeaders, 7);
  EXPECT_NE(second.prepend(*pools_, 4), nullptr);
  EXPECT_EQ(second.segments(), 2u);
  Chain empty;
  std::memcpy(empty.prepend(*pools_, 4), "new:", 4);
  EXPECT_EQ(text_of(empty), "new:");
}

TEST_F(ChainTest, PrependWithoutBuffersChangesNothing) {
  Chain chain = chain_of({"payload"});
  const std::vector<rte_mbuf*> all = exhaust(pools_->frames());
  EXPECT_EQ(chain.prepend(*pools_, 4), nullptr);
  EXPECT_EQ(text_of(chain), "payload");
  give_back(all);
}

// Buffers come again with what stood in them.
TEST_F(ChainTest, NoMarkOutlivesItsPacket) {
  constexpr std::size_t kAll = 32;
  std::vector<Chain> marked;
  for (std::size_t i = 0; i < kAll; ++i)
    marked.push_back(Chain::payload_of(packet_of({"headers:payload"}), kHeaders, 7));
  marked.clear();
  Chain copied;
  ASSERT_TRUE(copied.append_copy(*pools_, as_bytes("some more payload")));
  Chain front;
  ASSERT_TRUE(copied.take_front(*pools_, kHeaders, front));  // the rest begins where a payload did
  std::memcpy(copied.prepend(*pools_, 4), "new:", 4);
  EXPECT_EQ(text_of(front), "some mor");
  EXPECT_EQ(text_of(copied), "new:e payload");
}

TEST_F(ChainTest, ToPacketSetsTheWholePacketsCounts) {
  Chain chain = chain_of({"abc", "de"});
  Chain front;
  ASSERT_TRUE(chain.take_front(*pools_, 1, front));
  rte_mbuf* packet = chain.to_packet();
  EXPECT_EQ(packet->pkt_len, 4u);
  EXPECT_EQ(packet->nb_segs, 2);
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.to_packet(), nullptr);
  const char* why = nullptr;
  EXPECT_EQ(rte_mbuf_check(packet, 1, &why), 0) << why;
  rte_pktmbuf_free(packet);
}

TEST_F(ChainTest, TakeFrontAtASegmentsEndNeedsNoView) {
  const auto hoard = exhaust(pools_->views());
  Chain chain = chain_of({"abc", "de"});
  Chain front;
  ASSERT_TRUE(chain.take_front(*pools_, 3, front));
  EXPECT_EQ(text_of(front), "abc");
  EXPECT_EQ(text_of(chain), "de");
  EXPECT_FALSE(chain.take_front(*pools_, 1, front)) << "no view is free";
  EXPECT_EQ(text_of(front), "abc");
  EXPECT_EQ(text_of(chain), "de");
  give_back(hoard);
}

TEST_F(ChainTest, ViewsOutliveTheChainThatTheyWereCutFromInAnyOrder) {
  for (int order = 0; order < 6; ++order) {
    Chain parts[3];
    parts[0] = chain_of({"hello ", "wide ", "world"});
    ASSERT_TRUE(parts[0].take_front(*pools_, 8, parts[1]));
    // A view of a view.
    ASSERT_TRUE(parts[1].share(*pools_, 1, 7, parts[2]));
    EXPECT_EQ(text_of(parts[0]), "de world");
    EXPECT_EQ(text_of(parts[1]), "hello wi");
    EXPECT_EQ(text_of(parts[2]), "ello wi");
    const int first = order / 2;
    const int second = (first + 1 + order % 2) % 3;
    const int last = 3 - first - second;
    const std::string kept = text_of(parts[last]);
    parts[first].clear();
    parts[second].clear();
    // Rooms that were freed by mistake are now taken and overwritten.
    Chain scribble = chain_of({std::string(64, '#'), std::string(64, '#'), std::string(64, '#')});
    EXPECT_EQ(text_of(parts[last]), kept);
    parts[last].clear();
    scribble.clear();
    ASSERT_EQ(pools_->in_use(), 0u) << "order " << order;
  }
}

TEST_F(ChainTest, AppendJoinsPiecesThatContinueEachOther) {
  Chain chain = chain_of({"abcdef"});
  Chain front;
  ASSERT_TRUE(chain.take_front(*pools_, 2, front));
  ASSERT_TRUE(chain.take_front(*pools_, 2, front));
  EXPECT_EQ(front.segments(), 1u);
  front.append(std::move(chain));
  EXPECT_EQ(front.segments(), 1u);
  EXPECT_EQ(text_of(front), "abcdef");
  EXPECT_EQ(pools_->in_use(), 2u) << "one room and one view";
}

TEST_F(ChainTest, ShareIsAllOrNothing) {
  Chain chain = chain_of({"ab", "cd", "ef"});
  Chain out = chain_of({"x"});
  auto hoard = exhaust(pools_->views());
  rte_pktmbuf_free(hoard.back());
  hoard.pop_back();
  EXPECT_FALSE(chain.share(*pools_, 1, 4, out)) << "three views are needed, one is free";
  EXPECT_EQ(text_of(out), "x");
  EXPECT_TRUE(chain.share(*pools_, 2, 2, out));
  EXPECT_EQ(text_of(out), "xcd");
  EXPECT_EQ(text_of(chain), "abcdef");
  give_back(hoard);
}

TEST_F(ChainTest, OverwriteIsSeenByViewsAndSpliceIsNot) {
  Chain chain = chain_of({"abc", "def"});
  Chain shared;
  ASSERT_TRUE(chain.share(*pools_, 0, 6, shared));
  chain.overwrite(2, as_bytes("XY"));
  EXPECT_EQ(text_of(chain), "abXYef");
  EXPECT_EQ(text_of(shared), "abXYef");
  ASSERT_TRUE(chain.splice(*pools_, 1, 4, as_bytes("-----")));
  EXPECT_EQ(text_of(chain), "a-----f");
  EXPECT_EQ(text_of(shared), "abXYef");
}

TEST_F(ChainTest, SpliceWithoutBuffersChangesNothing) {
  Chain chain = chain_of({"abcdef"});
  const auto views = exhaust(pools_->views());
  EXPECT_FALSE(chain.splice(*pools_, 2, 1, as_bytes("long")));
  EXPECT_TRUE(chain.splice(*pools_, 0, 1, as_bytes("A"))) << "at the front no view is needed";
  EXPECT_EQ(text_of(chain), "Abcdef");
  give_back(views);
  const auto frames = exhaust(pools_->frames());
  EXPECT_FALSE(chain.splice(*pools_, 2, 1, as_bytes("x")));
  EXPECT_TRUE(chain.splice(*pools_, 2, 2, {})) << "a removal copies nothing";
  EXPECT_EQ(text_of(chain), "Abef");
  give_back(frames);
}

TEST_F(ChainTest, AppendCopyFillsOnlyRoomThatNobodyElseSees) {
  Chain chain;
  ASSERT_TRUE(chain.append_copy(*pools_, as_bytes("abc")));
  ASSERT_TRUE(chain.append_copy(*pools_, as_bytes("def")));
  EXPECT_EQ(chain.segments(), 1u);
  Chain shared;
  ASSERT_TRUE(chain.share(*pools_, 0, 6, shared));
  chain.drop_back(3);
  ASSERT_TRUE(chain.append_copy(*pools_, as_bytes("XYZ")));
  EXPECT_EQ(text_of(chain), "abcXYZ");
  EXPECT_EQ(text_of(shared), "abcdef");
  const std::string large(5000, 'q');
  ASSERT_TRUE(shared.append_copy(*pools_, as_bytes(large)));
  EXPECT_EQ(text_of(shared), "abcdef" + large);
}

TEST_F(ChainTest, PinnedBytesCountsRoomsAndNotBytes) {
  Chain chain = chain_of({"a", "b"});
  const std::size_t room = chain.pinned_bytes() / 2;
  EXPECT_GE(room, 2048u);
  ASSERT_TRUE(chain.splice(*pools_, 1, 0, {}));
  EXPECT_EQ(chain.pinned_bytes(), 2 * room);
  Chain masked = chain_of({"aaaaaaaaaaaaaaaa"});
  ASSERT_TRUE(masked.splice(*pools_, 8, 2, as_bytes("x")));
  EXPECT_EQ(masked.segments(), 3u);
  EXPECT_EQ(masked.pinned_bytes(), 2 * room + sizeof(rte_mbuf)) << "two rooms and a view; the cut room counts once";
}

TEST_F(ChainTest, MovedFromChainsAreEmpty) {
  Chain a = chain_of({"abc"});
  Chain b = std::move(a);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(a.segments(), 0u);
  a = chain_of({"x"});
  a = std::move(b);
  EXPECT_EQ(text_of(a), "abc");
}

TEST_F(ChainTest, DropsReachAnyPlace) {
  Chain chain = chain_of({"abc", "def", "ghi"});
  chain.drop_front(4);
  EXPECT_EQ(text_of(chain), "efghi");
  chain.drop_back(3);
  EXPECT_EQ(text_of(chain), "ef");
  EXPECT_EQ(chain.segments(), 1u);
  chain.drop_back(1);
  chain.drop_front(0);
  EXPECT_EQ(text_of(chain), "e");
  chain.drop_front(1);
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.segments(), 0u);
  chain.drop_back(0);
  chain.drop_front(0);
}

}  // namespace
}  // namespace sluice::buffer
