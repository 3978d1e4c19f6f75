// The end of the first slow start, by round trips that grow (RFC 9406).
#include "dataplane/tcp/hystart.h"

#include <gtest/gtest.h>

#include "dataplane/tcp/congestion.h"

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kRound = 10'000;  // bytes of each round, in ten ACKs

class HyStartTest : public testing::Test {
 protected:
  // A round trip in which every ACK tells `rtt`. True when slow start was over with it.
  bool round(DurationNs rtt) {
    bool over = false;
    const std::uint32_t end = ack_ + kRound;
    while (ack_ != end) {
      ack_ += kRound / 10;
      over |= hystart_.on_acknowledged(ack_, end, rtt);
    }
    return over;
  }
  [[nodiscard]] bool careful() const { return hystart_.growth(4'000) == 1'000; }

  HyStart hystart_;
  std::uint32_t ack_ = 0xffff8000;  // the numbers wrap
};

TEST_F(HyStartTest, GoesOnWhileRoundTripsAreWhatTheyWere) {
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(round(20 * kMillisecond));
  EXPECT_FALSE(careful());
}

TEST_F(HyStartTest, GrowsLessOnceTheyGrow) {
  round(20 * kMillisecond);
  round(20 * kMillisecond);
  EXPECT_FALSE(round(23 * kMillisecond));
  EXPECT_FALSE(careful()) << "less than the least margin";
  round(27 * kMillisecond + 1);
  EXPECT_TRUE(careful());
}

TEST_F(HyStartTest, IsOverAfterFiveSuchRounds) {
  round(20 * kMillisecond);
  round(20 * kMillisecond);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(round(30 * kMillisecond));
  EXPECT_TRUE(round(30 * kMillisecond));
}

TEST_F(HyStartTest, GoesOnWhenTheyShortenAgain) {
  round(20 * kMillisecond);
  round(20 * kMillisecond);
  round(30 * kMillisecond);
  EXPECT_TRUE(careful());
  round(21 * kMillisecond);
  EXPECT_FALSE(careful());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(round(21 * kMillisecond));
}

TEST_F(HyStartTest, AFewSamplesProveNothing) {
  round(20 * kMillisecond);
  round(20 * kMillisecond);
  for (int i = 0; i < 7; ++i) {
    ack_ += 100;
    hystart_.on_acknowledged(ack_, ack_ + kRound, 80 * kMillisecond);
  }
  EXPECT_FALSE(careful());
}

TEST(Congestion, SlowStartEndsWithoutALoss) {
  Congestion congestion(CongestionControl::cubic, 1'000);
  std::uint32_t ack = 0;
  // Twenty ACKs of a whole window.
  const auto round = [&](DurationNs rtt) {
    const std::uint32_t piece = congestion.window_bytes() / 20;
    const std::uint32_t end = ack + 20 * piece;
    while (ack != end) {
      ack += piece;
      if (congestion.in_first_slow_start()) congestion.on_round_trip(ack, end, rtt);
      congestion.on_acknowledged(piece, 0, rtt);
    }
  };
  for (int i = 0; i < 4; ++i) round(20 * kMillisecond);
  EXPECT_TRUE(congestion.in_first_slow_start());
  for (int i = 0; i < 8; ++i) round(40 * kMillisecond);
  EXPECT_FALSE(congestion.in_first_slow_start());
  EXPECT_LE(congestion.threshold_bytes(), congestion.window_bytes());
}

}  // namespace
}  // namespace sluice::tcp
