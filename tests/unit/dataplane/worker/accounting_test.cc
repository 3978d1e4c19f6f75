// No frame disappears: each is passed on unchanged, given to a session, or dropped for a reason that is counted,
// reported and has a text. The trace tells which.
#include <map>
#include <random>

#include "dataplane/worker/host.h"
#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {
namespace {

constexpr unsigned kFrames = 4000;

class AccountingTest : public WorkerTest {
 protected:
  std::size_t below(std::size_t limit) { return random() % limit; }

  // Mostly of a few connections, so that some come to life; then what else a wire may bring.
  FrameBytes any_frame(Side from) {
    static constexpr std::uint8_t kFlags[] = {wire::kSyn, wire::kSyn | wire::kAck, wire::kAck,
                                              wire::kAck, wire::kAck | wire::kPsh, wire::kAck | wire::kFin,
                                              wire::kRst, wire::kRst | wire::kAck, 0};
    Segment segment{.flags = kFlags[below(std::size(kFlags))],
                    .seq = 99 + static_cast<std::uint32_t>(below(3)),
                    .ack = 499 + static_cast<std::uint32_t>(below(3)),
                    .payload = std::string(below(4) == 0 ? below(40) : 0, 'x'),
                    .client_port = static_cast<std::uint16_t>(40000 + below(12))};
    if (from == Side::server) std::swap(segment.seq, segment.ack);
    if (below(10) == 0) segment.server_port = 81;
    FrameBytes frame = tcp_frame(from, segment);
    if (below(8) == 0) frame[below(frame.size())] ^= static_cast<std::uint8_t>(1 + below(255));
    if (below(30) == 0) frame.resize(1 + below(frame.size()));
    if (below(30) == 0) make(frame, 17, 0);
    if (below(30) == 0) make(frame, 6, 0x2000);
    return frame;
  }
  // Another protocol, or a fragment, under a right header checksum.
  static void make(FrameBytes& frame, std::uint8_t protocol, std::uint16_t fragment) {
    if (frame.size() < 42) return;
    std::uint8_t* ip = frame.data() + 14;
    ip[9] = protocol;
    store_be16(ip + 6, fragment);
    store_be16(ip + 10, 0);
    store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
  }

  // Delivers a frame and says what the trace tells of it.
  struct Fate {
    unsigned to_sessions = 0;
    unsigned drops = 0;
    ErrorCode why = ErrorCode::ok;
  };
  Fate deliver_and_watch(Side from, const FrameBytes& frame) {
    client.out.clear();
    server.out.clear();
    deliver(from, frame);
    std::vector<TraceRecord> records;
    const std::uint64_t written = worker->trace().copy(records);
    EXPECT_LT(written, TraceRing::kRecords) << "the ring is too small for this test";
    Fate fate;
    for (std::size_t i = seen; i < records.size(); ++i) {
      const TraceRecord& r = records[i];
      if (r.kind == TraceKind::segment_in) ++fate.to_sessions;
      if (r.kind == TraceKind::drop && r.session == 0) {
        ++fate.drops;
        fate.why = static_cast<ErrorCode>(r.code);
      }
      if (r.kind == TraceKind::drop) ++dropped[static_cast<ErrorCode>(r.code)];
    }
    seen = records.size();
    return fate;
  }

  std::mt19937 random{1};
  std::size_t seen = 0;
  std::map<ErrorCode, std::uint64_t> dropped;  // by the trace
};

TEST_F(AccountingTest, EveryFrameHasOneFate) {
  start({.sessions = 6,
         .half_open = 3,
         .sessions_per_source = 5,
         .limits = {},
         .hash_key = {1, 2},
         .start_wall_ns = kSecond});
  use(test::masking_policy());
  unsigned passed = 0;
  unsigned to_sessions = 0;
  unsigned refused = 0;
  for (unsigned i = 0; i < kFrames; ++i) {
    const Side from = below(2) == 0 ? Side::client : Side::server;
    const FrameBytes frame = any_frame(from);
    const Fate fate = deliver_and_watch(from, frame);
    const auto& out = from == Side::client ? server.out : client.out;
    if (fate.to_sessions + fate.drops == 0) {
      ASSERT_EQ(out.size(), 1U) << "frame " << i << " disappeared";
      ASSERT_EQ(out.front(), frame) << i;
    }
    ASSERT_LE(fate.to_sessions + fate.drops, 1U) << "frame " << i << ": " << error_name(fate.why);
    passed += fate.to_sessions + fate.drops == 0 ? 1 : 0;
    to_sessions += fate.to_sessions;
    refused += fate.drops;
    now += below(50) == 0 ? 2 * kSecond : kMillisecond;
  }
  EXPECT_EQ(passed + to_sessions + refused, kFrames);
  EXPECT_GT(passed, kFrames / 50);
  EXPECT_GT(to_sessions, kFrames / 10);
  EXPECT_GT(refused, kFrames / 10);

  // What the trace tells was counted, and is reported under its name.
  WorkerHost host(*worker, [] {}, [](CounterReport&) {});
  std::map<std::string, std::uint64_t> reported;
  for (const auto& drop : host.counters().drops) reported[drop.name] = drop.value;
  EXPECT_GE(dropped.size(), 9U) << "the mixture is too tame";
  for (const auto& [why, count] : dropped) {
    EXPECT_EQ(reported[std::string(error_name(why))], count) << error_name(why);
    EXPECT_FALSE(error_text(why).empty());
  }
}

TEST_F(AccountingTest, WithoutAPolicyToo) {
  start();  // and no session, whose id a drop could have
  for (unsigned i = 0; i < 200; ++i) {
    const Side from = below(2) == 0 ? Side::client : Side::server;
    const Fate fate = deliver_and_watch(from, any_frame(from));
    ASSERT_EQ(fate.drops + (from == Side::client ? server : client).out.size(), 1U) << i;
  }
  EXPECT_EQ(dropped[ErrorCode::no_policy], count(ErrorCode::no_policy));
}

// What a port does not take waits, up to a bound; beyond that it is dropped and counted.
TEST_F(AccountingTest, WhatAPortDoesNotTakeWaitsOrIsCounted) {
  start(test::masking_policy());
  server.full = true;
  constexpr std::size_t kArps = 1100;
  FrameBytes arp(60, 0);
  store_be16(arp.data() + 12, 0x0806);
  for (std::size_t i = 0; i < kArps; ++i) deliver(Side::client, arp);
  server.full = false;
  burst();
  EXPECT_EQ(server.out.size() + count(ErrorCode::port_transmit_full), kArps);
  EXPECT_GT(count(ErrorCode::port_transmit_full), 0U);
}

}  // namespace
}  // namespace sluice::worker
