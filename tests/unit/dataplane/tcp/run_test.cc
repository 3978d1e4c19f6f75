// Which segments a leg takes as one: those that, one by one, would each be the expected one.
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class RunTest : public LegTest {
 protected:
  // Of segments that begin with this one, 2 000 bytes together.
  bool takes(const In& in = {}, std::uint32_t bytes = 2000, std::size_t pinned_bytes = 4608) {
    const SegmentIn first = segment(in);
    return leg().takes_run(first, {.bytes = bytes, .pinned_bytes = pinned_bytes, .last_ack = first.ack});
  }
  bool takes_acks(std::uint32_t first_ack, std::uint32_t last_ack) {
    return leg().takes_run(segment({.ack = first_ack}), {.last_ack = kOurBase + last_ack});
  }
  SegmentIn segment(const In& in) {
    return {.seq = kPeerBase + in.seq.value_or(0),
            .ack = kOurBase + in.ack.value_or(0),
            .window = in.window.value_or(60000),
            .flags = in.flags,
            .has_timestamps = in.ts_value.has_value(),
            .ts_value = in.ts_value.value_or(0),
            .payload = {}};
  }
};

TEST_F(RunTest, WhatIsNextInOrder) {
  EXPECT_TRUE(takes());
  EXPECT_FALSE(takes({.seq = 1}));
  EXPECT_FALSE(takes({.seq = 0xffffffff}));
  EXPECT_FALSE(takes({.ack = 1})) << "nothing was sent";
  EXPECT_FALSE(takes({.flags = kAck | kFin}));
  EXPECT_FALSE(takes({.flags = kRst}));
}

TEST_F(RunTest, NothingBeyondTheWindow) {
  setup.receive_window = 5000;
  start();
  EXPECT_TRUE(takes({}, 5000));
  EXPECT_FALSE(takes({}, 5001));
}

TEST_F(RunTest, NotWhileAHoleIsToBeFilled) {
  peer_sends({.seq = 3000, .text = "behind a hole"});
  EXPECT_FALSE(takes());
}

TEST_F(RunTest, NothingOld) {
  setup.timestamps = true;
  setup.ts_recent = 100;
  start();
  EXPECT_TRUE(takes({.ts_value = 100}));
  EXPECT_FALSE(takes({.ts_value = 99}));
}

TEST_F(RunTest, NotWhereMemoryIsJudged) {
  limits.pinned_bytes = limits.receive_bytes = 1U << 16;
  start();
  EXPECT_TRUE(takes({}, 2000, 4608));
  EXPECT_FALSE(takes({}, 2000, 40000)) << "it might be copied";
  Pressure pressure;
  limits.pressure = &pressure;
  EXPECT_TRUE(takes());
  pressure.set(Pressure::kFull, Pressure::kFull, limits.receive_bytes, now);
  EXPECT_FALSE(takes());
  limits.pressure = nullptr;
}

TEST_F(RunTest, AcknowledgementsOfWhatIsInFlight) {
  in_flight(3000);
  EXPECT_TRUE(takes_acks(1000, 3000));
  EXPECT_FALSE(takes_acks(1000, 3001)) << "never sent";
  EXPECT_FALSE(takes_acks(0, 1000)) << "the first repeats";
}

TEST_F(RunTest, NoAcknowledgementsWhileSlowStartGoesByRoundTrips) {
  write(pattern(60000));
  output();  // the congestion window is full
  EXPECT_FALSE(takes_acks(1000, 3000));
}

TEST_F(RunTest, NoAcknowledgementsWhileALossIsJudged) {
  measure();
  in_flight(5000);
  const std::uint32_t begin = 1000;
  EXPECT_TRUE(takes_acks(begin + 1000, begin + 3000));
  peer_sends({});
  peer_sends({});
  EXPECT_FALSE(takes_acks(begin + 1000, begin + 3000)) << "two duplicates are counted";
}

}  // namespace
}  // namespace sluice::tcp::test
