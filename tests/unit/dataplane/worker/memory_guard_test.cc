// How full the pools are, as the legs are told.
#include "dataplane/worker/memory_guard.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <vector>

namespace sluice::worker {
namespace {

constexpr std::uint32_t kReceiveBytes = 1u << 20;

class MemoryGuardTest : public testing::Test {
 protected:
  ~MemoryGuardTest() override { give_back(); }

  void take(rte_mempool* pool, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      taken_.push_back(rte_pktmbuf_alloc(pool));
      ASSERT_NE(taken_.back(), nullptr);
    }
  }
  void give_back() {
    for (rte_mbuf* m : taken_) rte_pktmbuf_free(m);
    taken_.clear();
  }

  buffer::Pools pools = *buffer::Pools::create("guard", {.frames = 1024, .jumbos = 64, .views = 1024, .blocks = 1});
  int leg = 0;

 private:
  std::vector<rte_mbuf*> taken_;
};

TEST_F(MemoryGuardTest, HalfOfTheFramesMayBeInUse) {
  MemoryGuard guard(pools, kReceiveBytes);
  take(pools.frames(), 511);
  guard.look(1);
  EXPECT_TRUE(guard.pressure().is_calm());
  take(pools.frames(), 129);
  guard.look(2);
  EXPECT_FALSE(guard.pressure().is_calm());
  EXPECT_LE(guard.pressure().window_bytes(), kReceiveBytes / 16);
  EXPECT_TRUE(guard.pressure().takes_all());
  give_back();
  guard.look(3);
  EXPECT_TRUE(guard.pressure().is_calm());
}

TEST_F(MemoryGuardTest, WhatThePortsKeepDoesNotCount) {
  take(pools.frames(), 512);
  MemoryGuard guard(pools, kReceiveBytes);
  take(pools.frames(), 250);
  guard.look(1);
  EXPECT_TRUE(guard.pressure().is_calm());
  take(pools.frames(), 250);
  guard.look(2);
  EXPECT_EQ(guard.pressure().admit(&leg, true), ErrorCode::tcp_memory_short) << "500 of 512";
}

TEST_F(MemoryGuardTest, JumbosShrinkWindowsAndRefuseNothing) {
  MemoryGuard guard(pools, kReceiveBytes);
  take(pools.jumbos(), 64);
  guard.look(1);
  EXPECT_LT(guard.pressure().window_bytes(), 1'024u);
  EXPECT_TRUE(guard.pressure().takes_all());
}

TEST_F(MemoryGuardTest, WithoutViewsNothingMoves) {
  MemoryGuard guard(pools, kReceiveBytes);
  take(pools.views(), 1'000);
  guard.look(1);
  EXPECT_EQ(guard.pressure().admit(&leg, true), ErrorCode::tcp_memory_short);
}

}  // namespace
}  // namespace sluice::worker
