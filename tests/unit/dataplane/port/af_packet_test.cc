// The ethdev port over net_af_packet and a veth pair, with the kernel at the other end: a port without any
// offload, so that whatever goes out was cut and summed up in software. Needs root.
#include <gtest/gtest.h>
#include <rte_dev.h>

#include <memory>
#include <string>

#include "dataplane/port/ethdev_port.h"
#include "dataplane/port/finish_offloads.h"
#include "tests/unit/dataplane/port/frames.h"
#include "tests/unit/dataplane/port/kernel_peer.h"

namespace sluice::port {
namespace {

class AfPacketTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    enter_fresh_netns();
    if (HasFatalFailure()) return;
    run("ip link add wirev0 type veth peer name wirev1");
    run("ip link set wirev1 address 02:00:00:00:00:02");
    run("ip addr add 10.9.0.1/24 dev wirev1");
    run("ip link set wirev0 up");
    run("ip link set wirev1 up");
    run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev wirev1");
  }
  void SetUp() override {
    ASSERT_FALSE(HasFatalFailure());
    auto pools = buffer::Pools::create("af_packet", {.frames = 4096, .jumbos = 8, .views = 1024});
    ASSERT_TRUE(pools) << pools.error().message();
    pools_ = std::make_unique<buffer::Pools>(std::move(*pools));
    ASSERT_EQ(rte_eal_hotplug_add("vdev", "net_af_packet_wire", "iface=wirev0"), 0);
    const auto id = find_ethdev("net_af_packet_wire");
    ASSERT_TRUE(id) << id.error().message();
    auto port = EthdevPort::open({.port_id = *id}, *pools_);
    ASSERT_TRUE(port) << port.error().message();
    port_ = std::move(*port);
  }
  void TearDown() override {
    port_.reset();
    rte_eal_hotplug_remove("vdev", "net_af_packet_wire");
    EXPECT_EQ(pools_->in_use(), 0u);
  }

  std::unique_ptr<buffer::Pools> pools_;
  std::unique_ptr<EthdevPort> port_;
};

TEST_F(AfPacketTest, KernelUdpArrivesWithAChecksumThatCanBeJudged) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of("10.9.0.2", 5353);
  bool seen = false;
  // Nothing tells when a polled port has frames, so ask again: for ten seconds at most.
  for (int tries = 0; tries < 1000 && !seen; ++tries) {
    if (tries % 100 == 0) {
      ASSERT_EQ(sendto(fd, "hello", 5, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address), 5);
    }
    rte_mbuf* frames[32];
    const std::uint16_t count = port_->receive(frames);
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto bytes = bytes_of(frames[i]);
      const wire::Frame frame = wire::parse(bytes, bytes.size());
      if (frame.kind == wire::FrameKind::udp && frame.destination_port == 5353) {
        seen = true;
        EXPECT_EQ(as_text(Bytes(bytes).subspan(frame.payload_offset, frame.payload_bytes)), "hello");
      }
      rte_pktmbuf_free(frames[i]);
    }
    if (!seen) usleep(10'000);
  }
  close(fd);
  EXPECT_TRUE(seen);
}

TEST_F(AfPacketTest, ViewsAndSoftwareChecksumsReachTheKernel) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_in address = address_of("10.9.0.1", 6000);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  auto bytes = udp_bytes(900);
  store_be16(bytes.data() + 34, 1000);
  store_be16(bytes.data() + 36, 6000);
  // Cut, so that the frame has two segments, one of them a view.
  buffer::Chain whole;
  buffer::Chain cut;
  ASSERT_TRUE(whole.append_copy(*pools_, bytes));
  ASSERT_TRUE(whole.take_front(*pools_, 500, cut));
  buffer::Chain rest;
  ASSERT_TRUE(rest.append_copy(*pools_, Bytes(bytes).subspan(500)));
  cut.append(std::move(rest));
  whole.clear();
  rte_mbuf* frame = cut.to_packet();
  ASSERT_EQ(frame->nb_segs, 2);
  frame->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
  ASSERT_TRUE(prepare_forward(frame));
  FinishedFrames frames(frame, port_->capabilities(), *pools_);
  rte_mbuf* finished = frames.next();
  ASSERT_NE(finished, nullptr);
  ASSERT_EQ(port_->transmit({&finished, 1}), 1);
  ASSERT_TRUE(wait_readable(fd)) << "the kernel dropped it, so its checksum was wrong or it never came";
  char buffer[2048];
  EXPECT_EQ(recv(fd, buffer, sizeof buffer, 0), 900);
  EXPECT_EQ(std::string(buffer, 900), std::string(900, 'u'));
  close(fd);
}

}  // namespace
}  // namespace sluice::port
