// Sessions that nothing looks at, between the ports of the harness: what goes in on one side and out on the other.
#pragma once

#include <array>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {

inline constexpr std::uint8_t kDataFlags = wire::kAck | wire::kPsh;
inline constexpr std::uint8_t kFinFlags = wire::kAck | wire::kFin;

inline bool has_right_checksum(const FrameBytes& bytes) {
  const wire::Frame f = wire::parse(bytes, bytes.size());
  const Bytes segment = Bytes(bytes).subspan(f.l4_offset);
  wire::ChecksumSum sum =
      wire::pseudo_header_sum(f.source, f.destination, wire::kProtocolTcp, static_cast<std::uint16_t>(segment.size()));
  sum.add(segment);
  return sum.checksum() == 0;
}

class LadderTest : public WorkerTest {
 protected:
  // What goes out for a frame that comes in.
  FrameBytes through(Side from_side, const Segment& segment) {
    auto& out = (from_side == Side::client ? server : client).out;
    out.clear();
    from(from_side, segment);
    if (out.size() != 1) return {};
    FrameBytes frame = std::move(out.front());
    out.clear();
    return frame;
  }
  void expect_as_it_is(Side from_side, const Segment& segment) {
    EXPECT_EQ(through(from_side, segment), tcp_frame(from_side, segment));
  }
  session::ServiceCounters& counters() { return *held.policy->services[0]; }
  session::FlowInfo flow() {
    EXPECT_TRUE(worker->listing().ask({.limit = 10}));
    std::array<session::FlowInfo, 10> rows;
    for (int i = 0; i < 10; ++i) {
      burst();
      const auto progress = worker->listing().take(rows);
      if (progress.rows > 0) return rows[0];
    }
    ADD_FAILURE() << "no flow";
    return {};
  }
  // Brought back by its ACK; the server's numbers differ from those that the client knows.
  std::uint32_t connect_by_cookie() {
    from(Side::client, {.seq = 99, .sack_permitted = true});
    const wire::Frame cookie = next(Side::client);
    EXPECT_EQ(cookie.flags, wire::kSyn | wire::kAck);
    from(Side::client, {.flags = wire::kAck, .seq = 100, .ack = cookie.seq + 1});
    EXPECT_EQ(next(Side::server).flags, wire::kSyn);
    from(Side::server, {.flags = wire::kSyn | wire::kAck, .seq = 499, .ack = 100, .sack_permitted = true});
    FrameBytes bytes;
    const wire::Frame ack = next(Side::server, &bytes);
    EXPECT_EQ(ack.flags, wire::kAck);
    EXPECT_EQ(ack.ack, 500U);
    EXPECT_EQ(ack.seq, 100U);
    EXPECT_TRUE(has_right_checksum(bytes));
    return cookie.seq + 1;
  }
  void start_with_cookies(const std::string& policy) {
    start({.sessions = 8, .half_open = 0, .limits = {}, .hash_key = {1, 2}, .cookie_key = {3, 4}});
    use(policy);
  }
};

}  // namespace sluice::worker
