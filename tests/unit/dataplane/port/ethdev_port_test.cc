// The ethdev port over rings (every frame that goes out comes in) and over net_null.
#include "dataplane/port/ethdev_port.h"

#include <gtest/gtest.h>
#include <rte_dev.h>

#include <memory>
#include <span>
#include <vector>

#include "tests/unit/dataplane/port/frames.h"

namespace sluice::port {
namespace {

class EthdevPortTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pools = buffer::Pools::create("ethdev", {.frames = 4096, .jumbos = 4, .views = 64});
    ASSERT_TRUE(pools) << pools.error().message();
    pools_ = std::make_unique<buffer::Pools>(std::move(*pools));
  }
  std::unique_ptr<buffer::Pools> pools_;
};

// net_ring made as a vdev sends into the rings that it receives from; each holds 1023 frames.
TEST_F(EthdevPortTest, FramesCrossRingsWholeAndInOrder) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_ring_loop", ""), 0);
  const auto id = find_ethdev("net_ring_loop");
  ASSERT_TRUE(id) << id.error().message();
  {
    auto port = EthdevPort::open({.port_id = *id}, *pools_);
    ASSERT_TRUE(port) << port.error().message();
    EXPECT_TRUE((*port)->link_up());
    EXPECT_EQ((*port)->wait_fd(), -1);
    std::vector<rte_mbuf*> out(1100);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = tcp_frame(*pools_, tcp_header(), pattern(1 + i), 0);
    const auto first = bytes_of(out[0]);
    const auto last = bytes_of(out[1022]);
    ASSERT_EQ((*port)->transmit(out), 1023) << "the rest stays the caller's";
    for (std::size_t i = 1023; i < out.size(); ++i) rte_pktmbuf_free(out[i]);
    std::vector<rte_mbuf*> in(2000);
    ASSERT_EQ((*port)->receive(in), 1023);
    EXPECT_EQ(bytes_of(in[0]), first);
    EXPECT_EQ(bytes_of(in[1022]), last);
    EXPECT_EQ((*port)->receive(std::span(in).subspan(1023)), 0);
    for (std::size_t i = 0; i < 1023; ++i) rte_pktmbuf_free(in[i]);
    EXPECT_EQ((*port)->counters().tx_frames.value(), 1023u);
    EXPECT_EQ((*port)->counters().rx_frames.value(), 1023u);
    EXPECT_EQ((*port)->counters().rx_bytes.value(), (*port)->counters().tx_bytes.value());
  }
  EXPECT_EQ(pools_->in_use(), 0u);
  rte_eal_hotplug_remove("vdev", "net_ring_loop");
}

TEST_F(EthdevPortTest, NetNullTakesAndGives) {
  ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_null_test", "size=64"), 0);
  const auto id = find_ethdev("net_null_test");
  ASSERT_TRUE(id) << id.error().message();
  {
    auto port = EthdevPort::open({.port_id = *id}, *pools_);
    ASSERT_TRUE(port) << port.error().message();
    EXPECT_FALSE((*port)->capabilities().tx_segmentation);
    rte_mbuf* frames[32];
    ASSERT_EQ((*port)->receive(frames), 32);
    EXPECT_EQ(frames[0]->pkt_len, 64u);
    EXPECT_EQ((*port)->transmit(frames), 32);
    EXPECT_EQ((*port)->counters().tx_bytes.value(), 32u * 64);
  }
  EXPECT_EQ(pools_->in_use(), 0u);
  rte_eal_hotplug_remove("vdev", "net_null_test");
}

TEST_F(EthdevPortTest, AMissingPortIsNamed) {
  const auto id = find_ethdev("no_such_port");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::not_found);
  EXPECT_NE(id.error().detail.find("no_such_port"), std::string::npos);
  EXPECT_FALSE(EthdevPort::open({.port_id = 31}, *pools_));
}

}  // namespace
}  // namespace sluice::port
