// What leaves at once on long paths, and what waits for its time.
#include <numeric>

#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class PacingTest : public LegTest {
 protected:
  PacingTest() {
    setup.send_shift = 7;
    setup.send_window = 65535U << 7;
  }
  [[nodiscard]] std::size_t window() { return leg().info().congestion_window_bytes; }
  // Exchanges over a path of `round_trip`, until the window is larger than what every queue takes.
  void grow(DurationNs round_trip) {
    for (int i = 0; i < 10 && window() <= Pace::kLeastWindowBytes; ++i) {
      write(pattern(window() + 1));  // a byte more than may leave, so that the window is what limits it
      acknowledge(bytes(output()), round_trip);
      acknowledge(bytes(output()), round_trip);
    }
    ASSERT_GT(window(), Pace::kLeastWindowBytes);
  }
  void acknowledge(std::size_t sent, DurationNs later) {
    now += later;
    acknowledged_ += static_cast<std::uint32_t>(sent);
    peer_sends({.ack = acknowledged_});
  }
  static std::size_t bytes(const std::vector<Out>& all) {
    return std::accumulate(all.begin(), all.end(), std::size_t{0},
                           [](std::size_t sum, const Out& out) { return sum + out.text.size(); });
  }

  std::uint32_t acknowledged_ = 0;
};

TEST_F(PacingTest, AWindowIsSpreadOverALongRoundTrip) {
  grow(kRtt);
  const std::size_t before = window();
  write(pattern(2 * before));
  std::size_t left = bytes(output());
  EXPECT_LE(left, before / 4) << "a burst";
  EXPECT_GE(left, Pacer::kBurstSegments * std::size_t{kMss});
  unsigned bursts = 1;
  for (DurationNs waited = 0; waited < kRtt / 2; waited += kMillisecond) {
    const std::size_t more = bytes(wait(kMillisecond));
    EXPECT_LE(more, before / 4);
    bursts += more > 0 ? 1 : 0;
    left += more;
  }
  EXPECT_GE(bursts, 5U);
  EXPECT_EQ(left, before / kMss * kMss) << "the whole window, in half a round trip of slow start";
}

TEST_F(PacingTest, AShortRoundTripNeedsNone) {
  grow(Pace::kLeastRoundTrip - 1);
  const std::size_t before = window();
  write(pattern(2 * before));
  EXPECT_EQ(bytes(output()), before / kMss * kMss);
}

TEST_F(PacingTest, ASmallWindowLeavesAtOnce) {
  measure();
  const std::size_t before = window();
  ASSERT_LE(before, Pace::kLeastWindowBytes);
  write(pattern(2 * before));
  EXPECT_EQ(bytes(output()), before / kMss * kMss);
}

TEST_F(PacingTest, TheWindowGrowsWhenItsPaceIsTheLimit) {
  grow(kRtt);
  const std::size_t before = window();
  write(pattern(4 * before));
  const std::size_t sent = bytes(output());
  acknowledge(sent + bytes(wait(kRtt / 2)), kRtt / 2);
  EXPECT_GE(window(), before + before / 2);
}

TEST_F(PacingTest, ALateTimerIsMadeUpForByOneMoment) {
  const Pace pace{.window_bytes = 1'000'000, .round_trip = 100 * kMillisecond, .slow_start = true};
  Pacer pacer;
  pacer.sent(20'000, pace, kSecond);
  EXPECT_EQ(pacer.next_at(), kSecond) << "a moment's worth";
  pacer.sent(20'000, pace, kSecond);
  EXPECT_EQ(pacer.next_at(), kSecond + kMillisecond);
  pacer.sent(20'000, pace, 2 * kSecond);
  pacer.sent(20'000, pace, 2 * kSecond);
  EXPECT_EQ(pacer.next_at(), 2 * kSecond + kMillisecond) << "no credit for a second of silence";
}

}  // namespace
}  // namespace sluice::tcp::test
