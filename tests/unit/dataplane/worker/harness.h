// A worker between two ports that are lists of frames.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/worker/worker.h"
#include "tests/support/memory_port.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/test_policy.h"

namespace sluice::worker {

using test::FrameBytes;
using test::MemoryPort;

inline buffer::Pools& test_pools() {
  static buffer::Pools pools = *buffer::Pools::create("worker", {.frames = 4096, .jumbos = 64, .views = 4096});
  return pools;
}

struct Segment {
  std::uint8_t flags = wire::kSyn;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::string payload = {};
  std::uint16_t client_port = 40000;
  std::uint16_t server_port = test::kServerPort;
  IpAddress server = test::kServerAddress;  // the client is of its family
  bool sack_permitted = false;
  std::uint32_t flow_label = 0;  // IPv6
  std::uint8_t traffic_class = 0;
  std::uint16_t window = 60000;
  std::optional<wire::TcpOptions> options = {};  // instead of those that a SYN has otherwise
};

// A TCP frame with right checksums, from the client or from the server.
inline FrameBytes tcp_frame(Side from, const Segment& segment) {
  const bool client = from == Side::client;
  const bool ipv4 = segment.server.is_ipv4();
  const IpAddress client_address = ipv4 ? IpAddress(test::kClientAddress) : test::kClientIpv6;
  wire::TcpHeader header{.link = {.bytes = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, .length = 14},
                         .source = client ? client_address : segment.server,
                         .destination = client ? segment.server : client_address,
                         .source_port = client ? segment.client_port : segment.server_port,
                         .destination_port = client ? segment.server_port : segment.client_port,
                         .seq = segment.seq,
                         .ack = segment.ack,
                         .window = segment.window,
                         .flags = segment.flags,
                         .options = {}};
  if (!ipv4) store_be16(header.link.bytes + 12, 0x86dd);
  header.flow_label = ipv4 ? 0 : segment.flow_label;
  header.tos = segment.traffic_class;
  if ((segment.flags & wire::kSyn) != 0) header.options.mss = 1460;
  header.options.sack_permitted = segment.sack_permitted;
  if (segment.options) header.options = *segment.options;
  FrameBytes bytes(wire::header_bytes(header) + segment.payload.size());
  const std::size_t head = wire::write(header, segment.payload.size(), bytes);
  std::memcpy(bytes.data() + head, segment.payload.data(), segment.payload.size());
  wire::ChecksumSum sum;
  sum.add(as_bytes(segment.payload));
  const std::size_t l4 = header.link.length + wire::ip_header_bytes(header);
  wire::complete_checksum(MutableBytes(bytes).subspan(l4, head - l4), wire::kTcpChecksumOffset, sum);
  return bytes;
}

class WorkerTest : public testing::Test {
 protected:
  ~WorkerTest() override {
    worker.reset();
    update.scratch.reset();
    EXPECT_EQ(test_pools().in_use(), 0U) << "buffers leaked";
  }
  void start(WorkerConfig config = {.sessions = 8, .half_open = 4, .limits = {}, .hash_key = {1, 2}}) {
    worker = std::make_unique<Worker>(config, client, server, test_pools(), recorder, now);
  }
  void start(const std::string& policy) {
    start();
    use(policy);
  }
  void use(const std::string& policy, std::uint64_t version = 1) {
    update = {.policy = nullptr, .scratch = std::make_unique<inspect::Scratch>()};
    update.policy = test::make_policy(policy, *update.scratch, version);
    if (held.policy) {
      ASSERT_TRUE(held.policy->snapshot->prepare(*update.scratch));
    }
    held.policy = update.policy;
    ASSERT_TRUE(worker->offer(&update));
    burst();
    ASSERT_EQ(worker->taken(), &update);
  }
  void burst() { worker->burst(now, now); }
  void deliver(Side side, FrameBytes frame) {
    (side == Side::client ? client : server).in.push_back(std::move(frame));
    burst();
  }
  void from(Side side, const Segment& segment) { deliver(side, tcp_frame(side, segment)); }
  // The next frame that went out to a side, parsed; kind bad when there is none.
  wire::Frame next(Side to, FrameBytes* bytes = nullptr) {
    auto& out = (to == Side::client ? client : server).out;
    if (out.empty()) return wire::parse({}, 0);
    const FrameBytes frame = out.front();
    out.pop_front();
    if (bytes != nullptr) *bytes = frame;
    return wire::parse(frame, frame.size());
  }
  void expect_passes(const FrameBytes& frame) {
    deliver(Side::client, frame);
    ASSERT_EQ(server.out.size(), 1U);
    EXPECT_EQ(server.out.front(), frame);
    server.out.clear();
    deliver(Side::server, frame);
    ASSERT_EQ(client.out.size(), 1U);
    EXPECT_EQ(client.out.front(), frame);
    client.out.clear();
  }
  void connect(std::uint16_t port = 40000, const IpAddress& to = test::kServerAddress) {
    from(Side::client, {.flags = wire::kSyn, .seq = 99, .client_port = port, .server = to});
    from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100, .client_port = port, .server = to});
    from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = 500, .client_port = port, .server = to});
    client.out.clear();
    server.out.clear();
  }
  std::uint64_t count(ErrorCode code) const { return worker->errors().value(code); }

  TimeNs now = kSecond;
  MemoryPort client{test_pools()};
  MemoryPort server{test_pools()};
  test::MemoryRecorder recorder;
  PolicyUpdate update;
  PolicyUpdate held;  // what the worker may still hold
  std::unique_ptr<Worker> worker;
};

}  // namespace sluice::worker
