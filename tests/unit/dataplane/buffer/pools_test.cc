// Pools: made, counted, moved, freed; a bad request is refused with words.
#include "dataplane/buffer/pools.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <string>
#include <utility>

namespace sluice::buffer {
namespace {

constexpr PoolSizes kSmall{.frames = 8, .jumbos = 4, .views = 8};

TEST(Pools, CountsWhatIsInUse) {
  auto pools = Pools::create("pools_count", kSmall);
  ASSERT_TRUE(pools) << pools.error().message();
  EXPECT_EQ(pools->in_use(), 0u);
  rte_mbuf* frame = rte_pktmbuf_alloc(pools->frames());
  rte_mbuf* jumbo = rte_pktmbuf_alloc(pools->jumbos());
  EXPECT_EQ(pools->in_use(), 2u);
  EXPECT_EQ(rte_pktmbuf_tailroom(frame), 2048);
  EXPECT_EQ(rte_pktmbuf_tailroom(jumbo), 62 * 1024);
  rte_pktmbuf_free(frame);
  rte_pktmbuf_free(jumbo);
  EXPECT_EQ(pools->in_use(), 0u);
}

TEST(Pools, GiveEveryBufferAndThenNone) {
  auto pools = Pools::create("pools_all", kSmall);
  ASSERT_TRUE(pools) << pools.error().message();
  rte_mbuf* all[8] = {};
  for (rte_mbuf*& m : all) ASSERT_NE(m = rte_pktmbuf_alloc(pools->frames()), nullptr);
  EXPECT_EQ(rte_pktmbuf_alloc(pools->frames()), nullptr);
  for (rte_mbuf* m : all) rte_pktmbuf_free(m);
  EXPECT_EQ(pools->in_use(), 0u);
}

TEST(Pools, NamesAreFreeAgainAfterTheOwnerIsGone) {
  for (int round = 0; round < 3; ++round) {
    auto pools = Pools::create("pools_again", kSmall);
    ASSERT_TRUE(pools) << pools.error().message();
    Pools moved = std::move(*pools);
    EXPECT_EQ(moved.in_use(), 0u);
  }
}

TEST(Pools, TakenNameIsRefusedAndTheFirstOwnerIsUnharmed) {
  auto first = Pools::create("pools_twice", kSmall);
  ASSERT_TRUE(first);
  auto second = Pools::create("pools_twice", kSmall);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find("pools_twice.frames"), std::string::npos);
  EXPECT_EQ(first->in_use(), 0u);
}

TEST(Pools, AbsurdNameOrSizeIsRefused) {
  EXPECT_FALSE(Pools::create(std::string(100, 'x'), kSmall));
  EXPECT_FALSE(Pools::create("pools_huge", {.frames = 1u << 30, .jumbos = 4, .views = 4}));
}

}  // namespace
}  // namespace sluice::buffer
