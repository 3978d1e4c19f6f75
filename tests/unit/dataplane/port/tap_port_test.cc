// The TAP port against the kernel's own TCP and UDP: large frames and partial checksums come in with the right
// metadata, and what we send with TSO the kernel takes as the stream that it is.
#include "dataplane/port/tap_port.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/port/finish_offloads.h"
#include "tests/unit/dataplane/port/frames.h"
#include "tests/unit/dataplane/port/kernel_peer.h"

namespace sluice::port {
namespace {

class TapPortTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { enter_fresh_netns(); }

  void SetUp() override {
    ASSERT_FALSE(HasFatalFailure());
    auto pools = buffer::Pools::create("tap", {.frames = 1024, .jumbos = 64, .views = 1024});
    ASSERT_TRUE(pools) << pools.error().message();
    pools_ = std::make_unique<buffer::Pools>(std::move(*pools));
    auto port = TapPort::open({.name = "wiretap0"}, *pools_);
    ASSERT_TRUE(port) << port.error().message();
    port_ = std::move(*port);
    run("ip link set wiretap0 address 02:00:00:00:00:02");
    run("ip addr add 10.9.0.1/24 dev wiretap0");
    run("ip link set wiretap0 up");
    run("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:01 dev wiretap0");
  }
  void TearDown() override {
    for (const int fd : sockets_) close(fd);
    port_.reset();
    if (!netns_.empty()) run("ip netns del " + netns_);
    EXPECT_EQ(pools_->in_use(), 0u);
  }

  int open_socket(int type) {
    const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockets_.push_back(fd);
    return fd;
  }
  // The next frame for which `wanted` holds; others (IPv6 housekeeping) are freed. nullptr after ten seconds.
  rte_mbuf* next_frame(const std::function<bool(const wire::Frame&)>& wanted) {
    for (;;) {
      rte_mbuf* frame = nullptr;
      if (port_->receive({&frame, 1}) == 0) {
        if (!wait_readable(port_->wait_fd())) return nullptr;
        continue;
      }
      if (wanted(parsed(frame))) return frame;
      rte_pktmbuf_free(frame);
    }
  }
  static wire::Frame parsed(const rte_mbuf* frame) {
    return wire::parse({rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len}, frame->pkt_len);
  }
  rte_mbuf* next_tcp() {
    return next_frame(
        [this](const wire::Frame& f) { return f.kind == wire::FrameKind::tcp && f.destination_port == service_port_; });
  }
  void send(rte_mbuf* frame) { ASSERT_EQ(port_->transmit({&frame, 1}), 1); }

  // A connection from a kernel socket to 10.9.0.2, which is this test. `header_` is what we send next.
  void establish() {
    service_port_ = ++last_service_port_;
    connection_ = open_socket(SOCK_STREAM);
    const sockaddr_in address = address_of("10.9.0.2", service_port_);
    ASSERT_EQ(connect(connection_, reinterpret_cast<const sockaddr*>(&address), sizeof address), -1);
    ASSERT_EQ(errno, EINPROGRESS);
    rte_mbuf* syn = next_tcp();
    ASSERT_NE(syn, nullptr);
    const wire::Frame seen = parsed(syn);
    EXPECT_EQ(seen.flags, wire::kSyn);
    EXPECT_TRUE(tcp_checksum_ok(syn, seen));
    rte_pktmbuf_free(syn);
    header_ = tcp_header();
    header_.source_port = service_port_;
    header_.destination_port = seen.source_port;
    header_.seq = 5000;
    header_.ack = seen.seq + 1;
    header_.window = 65535;
    header_.flags = wire::kSyn | wire::kAck;
    header_.options = {
        .mss = 1448, .window_shift = 7, .has_timestamps = true, .ts_value = 1, .ts_echo = seen.options.ts_value};
    send(tcp_frame(*pools_, header_, "", 0));
    header_.flags = wire::kAck;
    header_.seq = 5001;
    header_.options.mss = 0;
    header_.options.window_shift.reset();
  }
  void acknowledge(const wire::Frame& data) {
    header_.ack = data.seq + data.payload_bytes;
    header_.options.ts_echo = data.options.ts_value;
    send(tcp_frame(*pools_, header_, "", 0));
  }

  // Lets the kernel send `sent` and acknowledges as it comes, so that its frames grow. `look` sees each frame.
  void receive_stream(const std::string& sent, const std::function<void(rte_mbuf*, const wire::Frame&)>& look) {
    std::string received;
    std::size_t written = 0;
    const std::uint32_t first = header_.ack;
    while (received.size() < sent.size()) {
      const ssize_t n = write(connection_, sent.data() + written, sent.size() - written);
      if (n > 0) written += static_cast<std::size_t>(n);
      rte_mbuf* frame = next_tcp();
      ASSERT_NE(frame, nullptr) << "after " << received.size();
      const wire::Frame seen = parsed(frame);
      const auto bytes = bytes_of(frame);
      look(frame, seen);
      rte_pktmbuf_free(frame);
      if (seen.payload_bytes == 0 || seen.seq != first + received.size()) continue;
      received += as_text(Bytes(bytes).subspan(seen.payload_offset, seen.payload_bytes));
      acknowledge(seen);
    }
    EXPECT_TRUE(received == sent);
  }
  // Reads until the kernel has delivered as much as was sent.
  void expect_delivered(const std::string& sent) {
    std::string received;
    while (received.size() < sent.size()) {
      ASSERT_TRUE(wait_readable(connection_)) << "after " << received.size();
      char buffer[16384];
      const ssize_t n = read(connection_, buffer, sizeof buffer);
      ASSERT_GT(n, 0);
      received.append(buffer, static_cast<std::size_t>(n));
    }
    EXPECT_TRUE(received == sent);
  }

  std::unique_ptr<buffer::Pools> pools_;
  std::unique_ptr<TapPort> port_;
  std::vector<int> sockets_;
  std::string netns_;  // made by the test, deleted at its end
  // Each connection has its own: the kernel still retransmits the FIN of the one before.
  static inline std::uint16_t last_service_port_ = 8080;
  std::uint16_t service_port_ = 0;
  int connection_ = -1;
  wire::TcpHeader header_;
};

TEST_F(TapPortTest, LargeFramesComeInWholeWithTheirMetadata) {
  establish();
  std::uint32_t largest = 0;
  receive_stream(pattern(1 << 20), [&](rte_mbuf* frame, const wire::Frame& seen) {
    largest = std::max(largest, frame->pkt_len);
    EXPECT_TRUE(tcp_checksum_ok(frame, seen));
    if (seen.payload_bytes <= 1448) return;
    EXPECT_NE(frame->ol_flags & RTE_MBUF_F_RX_LRO, 0u);
    EXPECT_EQ(frame->tso_segsz, 1448 - 12) << "the MSS that we gave, less the timestamps";
    EXPECT_EQ(frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE);
  });
  EXPECT_GT(largest, 32768u) << "no large frame came";
}

// 60 KB as one frame to send: the kernel reads the stream, so it took both the segmentation and the checksum.
TEST_F(TapPortTest, KernelTcpTakesWhatGoesOutWithTso) {
  establish();
  const std::string sent = pattern(60000);
  header_.flags = wire::kAck | wire::kPsh;
  send(tcp_frame(*pools_, header_, sent, 1436));
  expect_delivered(sent);
  EXPECT_EQ(port_->counters().tx_errors.value(), 0u);
}

// The same stream cut and summed up in software: what a port without offloads would send.
TEST_F(TapPortTest, KernelTcpTakesWhatSoftwareFinished) {
  establish();
  const std::string sent = pattern(30001);
  header_.flags = wire::kAck | wire::kPsh;
  FinishedFrames frames(tcp_frame(*pools_, header_, sent, 1436), Capabilities{}, *pools_);
  while (rte_mbuf* frame = frames.next()) send(frame);
  EXPECT_FALSE(frames.failed());
  expect_delivered(sent);
}

// Without jumbos large frames still come in whole, in frame buffers.
TEST_F(TapPortTest, LargeFramesComeInWithoutJumbos) {
  establish();
  std::vector<rte_mbuf*> hoard;
  while (rte_mbuf* m = rte_pktmbuf_alloc(pools_->jumbos())) hoard.push_back(m);
  std::uint16_t most_segments = 0;
  receive_stream(pattern(300000), [&](rte_mbuf* frame, const wire::Frame&) {
    most_segments = std::max(most_segments, frame->nb_segs);
    if (frame->nb_segs != 2 || frame->next->pool != pools_->jumbos()) return;
    rte_mbuf_refcnt_update(frame->next, 1);  // the one that the port had kept ready must not come back either
    hoard.push_back(frame->next);
  });
  EXPECT_GT(most_segments, 2);
  for (rte_mbuf* m : hoard) rte_pktmbuf_free(m);
}

TEST_F(TapPortTest, UdpWithAPartialChecksumIsMarkedAndCanBeFinished) {
  const int fd = open_socket(SOCK_DGRAM);
  const sockaddr_in address = address_of("10.9.0.2", 5353);
  const std::string payload = pattern(701);
  ASSERT_EQ(sendto(fd, payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address),
            701);
  rte_mbuf* frame = next_frame([](const wire::Frame& f) { return f.destination_port == 5353; });
  ASSERT_NE(frame, nullptr);
  EXPECT_EQ(frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE);
  ASSERT_TRUE(prepare_forward(frame));
  FinishedFrames frames(frame, Capabilities{}, *pools_);
  rte_mbuf* finished = frames.next();
  ASSERT_NE(finished, nullptr);
  EXPECT_EQ(received_sum(bytes_of(finished)), 0xffff);
  rte_pktmbuf_free(finished);
}

// A frame that came in with a partial checksum leaves with it, and the kernel takes it.
TEST_F(TapPortTest, UdpSentWithAPartialChecksumIsTaken) {
  const int fd = open_socket(SOCK_DGRAM);
  const sockaddr_in address = address_of("10.9.0.1", 6000);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  auto bytes = udp_bytes(333);
  store_be16(bytes.data() + 34, 1000);
  store_be16(bytes.data() + 36, 6000);
  buffer::Chain chain;
  ASSERT_TRUE(chain.append_copy(*pools_, bytes));
  rte_mbuf* frame = chain.to_packet();
  frame->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
  ASSERT_TRUE(prepare_forward(frame));
  send(frame);
  ASSERT_TRUE(wait_readable(fd));
  char buffer[2048];
  EXPECT_EQ(recv(fd, buffer, sizeof buffer, 0), 333);
}

TEST_F(TapPortTest, FramesThatTheKernelRefusesAreCountedAndFreed) {
  run("ip link set wiretap0 down");
  rte_mbuf* frame = tcp_frame(*pools_, tcp_header(), "abc", 0);
  EXPECT_EQ(port_->transmit({&frame, 1}), 1);
  EXPECT_EQ(port_->counters().tx_errors.value(), 1u);
  EXPECT_EQ(port_->counters().tx_frames.value(), 0u);
}

TEST_F(TapPortTest, CapabilitiesAndMtu) {
  const Capabilities capabilities = port_->capabilities();
  EXPECT_TRUE(capabilities.tx_checksum && capabilities.tx_segmentation && capabilities.rx_coalescing);
  EXPECT_EQ(capabilities.mtu_bytes, 1500u);
}

TEST_F(TapPortTest, OpeningSaysWhatIsWrong) {
  const auto busy = TapPort::open({.name = "wiretap0"}, *pools_);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, ErrorCode::already_running);
  EXPECT_NE(busy.error().detail.find("another process"), std::string::npos);
  const auto nowhere = TapPort::open({.name = "wiretap1", .netns = "wire-no-such"}, *pools_);
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().detail.find("/run/netns/wire-no-such"), std::string::npos);
  for (const char* name : {"", "a-name-that-is-too-long", "a/b", "tap%d"}) {
    const auto bad = TapPort::open({.name = name}, *pools_);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::bad_argument);
  }
  EXPECT_FALSE(TapPort::open({.name = "wiretap1", .netns = "../x"}, *pools_));
}

// A data plane that died comes back to the TAP that stayed, in its namespace, with the addresses that it had.
TEST_F(TapPortTest, APersistentTapInANamespaceIsAttachedAgain) {
  netns_ = "wire-test-" + std::to_string(getpid());
  run("ip netns add " + netns_);
  const TapConfig config{.name = "wiretap2", .netns = netns_, .persistent = true};
  {
    const auto first = TapPort::open(config, *pools_);
    ASSERT_TRUE(first) << first.error().message();
    run("ip -n " + netns_ + " addr add 10.8.0.1/24 dev wiretap2");
  }
  {
    const auto second = TapPort::open(config, *pools_);
    ASSERT_TRUE(second) << second.error().message();
    run("ip -n " + netns_ + " addr show dev wiretap2 | grep -q 10.8.0.1");
  }
  run("! ip link show wiretap2 2> /dev/null");
}

}  // namespace
}  // namespace sluice::port
