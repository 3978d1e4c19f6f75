// What the worker's trace tells of a session, and that it tells no payload.
#include <algorithm>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

constexpr const char* kRequest = "GET /SECRETPATH HTTP/1.1\r\nHost: a\r\n\r\n";

class TraceTest : public WorkerTest {
 protected:
  std::vector<TraceRecord> trace() const {
    std::vector<TraceRecord> out;
    worker->trace().copy(out);
    return out;
  }
  std::vector<TraceRecord> trace(TraceKind kind) const {
    std::vector<TraceRecord> out = trace();
    std::erase_if(out, [kind](const TraceRecord& r) { return r.kind != kind; });
    return out;
  }
  void request() {
    from(Side::client, {.flags = wire::kAck | wire::kPsh, .seq = 100, .ack = 500, .payload = kRequest});
  }
};

TEST_F(TraceTest, AHandshakeAndARequestAreToldInOrder) {
  start(test::masking_policy());
  connect();
  request();
  std::vector<TraceRecord> all = trace();
  std::erase_if(all, [](const TraceRecord& r) { return r.kind == TraceKind::phase; });
  ASSERT_GE(all.size(), 8U);
  const auto expect = [&](std::size_t i, TraceKind kind, TraceLeg leg, unsigned flags, std::uint32_t seq,
                          std::uint32_t ack, std::size_t length) {
    EXPECT_EQ(all[i].kind, kind) << i;
    EXPECT_EQ(all[i].leg, leg) << i;
    EXPECT_EQ(all[i].code, flags) << i;
    EXPECT_EQ(all[i].a, seq) << i;
    EXPECT_EQ(all[i].b, ack) << i;
    EXPECT_EQ(all[i].c, length) << i;
    EXPECT_EQ(all[i].session, all[0].session) << i;
    EXPECT_EQ(all[i].time_ns, now) << i;
  };
  const std::size_t bytes = std::strlen(kRequest);
  expect(0, TraceKind::segment_in, TraceLeg::client, wire::kSyn, 0, 0, 0);
  expect(1, TraceKind::segment_out, TraceLeg::server, wire::kSyn, 0, 0, 0);
  expect(2, TraceKind::segment_in, TraceLeg::server, wire::kSyn | wire::kAck, 0, 1, 0);
  expect(3, TraceKind::segment_out, TraceLeg::client, wire::kSyn | wire::kAck, 0, 1, 0);
  expect(4, TraceKind::segment_out, TraceLeg::server, wire::kAck, 1, 1, 0);
  expect(5, TraceKind::segment_in, TraceLeg::client, wire::kAck, 1, 1, 0);
  expect(6, TraceKind::segment_in, TraceLeg::client, wire::kAck | wire::kPsh, 1, 1, bytes);
  expect(7, TraceKind::segment_out, TraceLeg::server, wire::kAck | wire::kPsh, 1, 1, bytes);
  const auto phases = trace(TraceKind::phase);
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].c, 0);
  EXPECT_EQ(phases[1].c, 1);
  EXPECT_EQ(phases[1].a, test::kClientAddress);
  EXPECT_EQ(phases[1].b, 40000U << 16 | test::kServerPort);
}

TEST_F(TraceTest, ATimeoutAndWhatItSendsAgainAreTold) {
  start(test::masking_policy());
  connect();
  request();
  now += 2 * kSecond;
  burst();
  auto timers = trace(TraceKind::timer);
  std::erase_if(timers, [](const TraceRecord& r) { return r.code == 0; });
  ASSERT_EQ(timers.size(), 1U);
  EXPECT_EQ(timers[0].leg, TraceLeg::server);
  EXPECT_EQ(timers[0].code, 1);
  const auto again = trace(TraceKind::retransmission);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].a, 1U);
  EXPECT_EQ(again[0].c, std::strlen(kRequest));
}

TEST_F(TraceTest, AnEndIsToldWithItsReason) {
  start(test::masking_policy());
  connect();
  from(Side::client, {.flags = wire::kRst | wire::kAck, .seq = 100, .ack = 500});
  const auto ends = trace(TraceKind::leg_state);
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].leg, TraceLeg::client);
  EXPECT_EQ(static_cast<ErrorCode>(ends[0].code), ErrorCode::tcp_reset_by_peer);
  EXPECT_EQ(ends[0].a, 2U);
  const auto phases = trace(TraceKind::phase);
  EXPECT_EQ(phases.back().c, 3);
  EXPECT_EQ(static_cast<ErrorCode>(phases.back().code), ErrorCode::tcp_reset_by_client);
}

TEST_F(TraceTest, NoByteOfPayloadIsInIt) {
  start(test::masking_policy());
  connect();
  request();
  from(Side::server,
       {.flags = wire::kAck, .seq = 500, .ack = 100, .payload = "HTTP/1.1 200 OK\r\nX: SECRETWORD\r\n\r\n"});
  const std::vector<TraceRecord> all = trace();
  const std::string_view bytes(reinterpret_cast<const char*>(all.data()), all.size() * sizeof(TraceRecord));
  for (const char* word : {"SECRET", "HTTP", "Host", "GET"}) EXPECT_EQ(bytes.find(word), std::string_view::npos);
}

}  // namespace
}  // namespace sluice::worker
