// When the worker's memory runs short: windows first, then what is out of order, then everything.
#include "dataplane/tcp/pressure.h"

#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

constexpr std::uint32_t kSixteenth = Pressure::kFull / 16;

class UnderPressure : public LegTest {
 protected:
  UnderPressure() {
    limits.receive_bytes = 1u << 20;
    limits.pressure = &pressure;
    setup.receive_shift = 4;
    setup.receive_window = 1u << 19;
    setup.sack = true;
  }
  void fill(std::uint32_t sixteenths) {
    pressure.set(sixteenths * kSixteenth, sixteenths * kSixteenth, limits.receive_bytes, now);
  }
  std::uint32_t window_after(std::uint32_t bytes) {
    for (std::uint32_t sent = 0; sent < bytes; sent += kMss) {
      EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::ok);
      read();
      for (const Out& out : output()) window_ = std::uint32_t{out.window} << setup.receive_shift;
    }
    return window_;
  }

  Pressure pressure;

 private:
  std::uint32_t window_ = 0;
};

TEST_F(UnderPressure, HalfFullIsNone) {
  fill(7);
  EXPECT_TRUE(pressure.is_calm());
  EXPECT_GE(window_after(100 * kMss), 1u << 19);
}

TEST_F(UnderPressure, WindowsShrinkStepByStepAsThePeerUsesThemUp) {
  std::uint32_t before = window_after(kMss);
  for (const std::uint32_t sixteenths : {8u, 9u, 10u, 11u}) {
    fill(sixteenths);
    const std::uint32_t now_offered = window_after(600 * kMss);
    EXPECT_LT(now_offered, before) << sixteenths;
    EXPECT_GE(now_offered, 4u * kMss - 16) << sixteenths;
    before = now_offered;
  }
  EXPECT_LE(before, 5u * kMss) << "four segments";
  fill(0);
  EXPECT_GT(window_after(3'000 * kMss), 100u * kMss) << "and come back";
}

TEST_F(UnderPressure, TheEdgeDoesNotRetreat) {
  std::uint32_t edge = 1u << 19;
  fill(11);
  for (std::uint32_t i = 1; i < 700; ++i) {
    ASSERT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::ok) << i;
    read();
    for (const Out& out : output()) {
      ASSERT_GT(out.ack + (std::uint32_t{out.window} << setup.receive_shift) + (1u << setup.receive_shift), edge)
          << "but for what its scale cannot say";
      edge = out.ack + (std::uint32_t{out.window} << setup.receive_shift);
    }
  }
}

TEST_F(UnderPressure, AShrunkWindowOpensBySegmentsNotByCrumbs) {
  setup.receive_shift = 0;
  setup.receive_window = 60 * kMss;
  fill(11);
  window_after(59 * kMss);
  std::uint32_t shown = 0;
  for (int i = 0; i < 100; ++i) {
    peer_sends({.text = pattern(10)});
    read();
    for (const Out& out : output()) {
      const std::uint32_t edge = out.ack + (std::uint32_t{out.window} << setup.receive_shift);
      if (shown != 0 && edge != shown) {
        ASSERT_GE(edge - shown, kMss) << i;
      }
      shown = edge;
    }
  }
}

TEST_F(UnderPressure, OutOfOrderIsRefusedFirst) {
  fill(12);
  EXPECT_EQ(peer_sends({.seq = 5 * kMss, .text = pattern(kMss)}), ErrorCode::tcp_early_refused);
  const Out out = expect_one();
  EXPECT_EQ(out.ack, 0u);
  EXPECT_TRUE(out.sack.empty()) << "what is not kept is not told";
  EXPECT_EQ(peer_sends({.seq = 0, .text = pattern(kMss)}), ErrorCode::ok);
}

TEST_F(UnderPressure, ThenNothingIsTakenButFromOneLeg) {
  fill(14);
  int other = 0;
  ASSERT_EQ(pressure.admit(&other, true), ErrorCode::ok) << "the first that asks";
  EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::tcp_memory_short);
  expect_ack(0);
  EXPECT_EQ(pressure.admit(&other, true), ErrorCode::ok);
  now += 250 * kMillisecond;
  fill(14);
  EXPECT_EQ(peer_sends({.seq = 0, .text = pattern(kMss)}), ErrorCode::ok) << "the other pauses: its turn";
  EXPECT_EQ(pressure.admit(&other, true), ErrorCode::tcp_memory_short);
  expect_ack(kMss);
  leg().abort(ErrorCode::tcp_aborted);
  EXPECT_EQ(pressure.admit(&other, true), ErrorCode::ok) << "who is gone needs no turn";
  output();
}

TEST_F(UnderPressure, ATurnEndsHoweverBusyItsLegIs) {
  int other = 0;
  fill(14);
  EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::ok);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(pressure.admit(&other, true), ErrorCode::tcp_memory_short);
    now += 100 * kMillisecond;
    fill(14);
    if (i < 9) {
      EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::ok);
    }
  }
  EXPECT_EQ(pressure.admit(&other, true), ErrorCode::ok);
}

TEST_F(UnderPressure, AtTheEndWhoHoldsWhatCannotGoOnIsEnded) {
  peer_sends({.text = pattern(kMss)});
  read();
  leg().set_downstream_bytes(kMss, kMss, kMss);
  output();
  fill(15);
  EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::tcp_memory_short);
  EXPECT_EQ(leg().closed_by(), ErrorCode::tcp_memory_short);
  EXPECT_EQ(expect_one().flags, kRst | kAck);
  EXPECT_FALSE(pressure.takes_victim()) << "one at a time";
}

TEST_F(UnderPressure, WhoHoldsNothingIsNot) {
  fill(16);
  EXPECT_EQ(peer_sends({.text = pattern(kMss)}), ErrorCode::tcp_memory_short);
  EXPECT_EQ(leg().state(), LegState::open);
}

TEST_F(UnderPressure, WhatWaitsBehindAHoleIsGivenUpThen) {
  peer_sends({.seq = 2 * kMss, .text = pattern(kMss)});
  EXPECT_EQ(expect_one().sack.size(), 1u);
  EXPECT_GT(leg().pinned_bytes(), 0u);
  fill(15);
  EXPECT_EQ(peer_sends({.seq = 0, .text = pattern(kMss)}), ErrorCode::tcp_memory_short);
  EXPECT_EQ(leg().pinned_bytes(), 0u);
  EXPECT_TRUE(expect_one().sack.empty()) << "RFC 2018 section 8";
}

TEST_F(UnderPressure, AcknowledgementsAreHeardAtEveryStage) {
  write("x");
  output();
  fill(16);
  EXPECT_EQ(peer_sends({.ack = 1, .text = pattern(kMss)}), ErrorCode::tcp_memory_short);
  EXPECT_EQ(leg().unacknowledged_bytes(), 0u);
}

TEST_F(UnderPressure, SmallSegmentsAreCopiedTogetherSooner) {
  fill(11);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(peer_sends({.text = "x"}), ErrorCode::ok);
  EXPECT_LE(leg().pinned_bytes(), 32u << 10) << "2.3 MB without";
  EXPECT_EQ(read(), std::string(1'000, 'x'));
}

}  // namespace
}  // namespace sluice::tcp::test
