// The receive window that follows the path: pure, and as a leg offers it.
#include "dataplane/tcp/receive_tuning.h"

#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

constexpr std::uint32_t kMost = 16u << 20;

// A sender that the window alone bounds, or the path: both over one round trip. Returns the window after `rounds`.
std::uint32_t follow(ReceiveTuning& tuning, std::uint32_t& gone, TimeNs& now, DurationNs round_trip,
                     std::uint32_t bytes_in_round_trip, int rounds, DurationNs measured = 0) {
  for (int i = 0; i < rounds; ++i) {
    const std::uint32_t edge = gone + tuning.bytes();
    const std::uint32_t rate = std::min(tuning.bytes(), bytes_in_round_trip);  // in a round trip
    const std::uint32_t taken = tuning.bytes() + 1;
    now += round_trip * taken / rate;
    gone += taken;
    EXPECT_TRUE(tuning.is_round_over(gone) || i == 0);
    if (tuning.is_round_over(gone)) tuning.end_round(gone, edge + taken, kMost, measured, now);
  }
  return tuning.bytes();
}

TEST(ReceiveTuning, DoublesEachRoundWhileTheWindowIsTheLimit) {
  std::uint32_t gone = 0xfffff000;
  TimeNs now = kSecond;
  ReceiveTuning tuning(64 << 10, gone, gone + (64 << 10), now);
  std::uint32_t before = tuning.bytes();
  for (int i = 0; i < 4; ++i) {
    now += 50 * kMillisecond;
    gone += tuning.bytes() + 1;
    ASSERT_TRUE(tuning.is_round_over(gone));
    tuning.end_round(gone, gone + tuning.bytes(), kMost, 0, now);
    EXPECT_GE(tuning.bytes(), 2 * before);
    EXPECT_LE(tuning.bytes(), 2 * before + 64);
    before = tuning.bytes();
    gone -= 1;
  }
}

TEST(ReceiveTuning, EndsAtTwiceWhatThePathCarries) {
  std::uint32_t gone = 0;
  TimeNs now = kSecond;
  ReceiveTuning tuning(64 << 10, gone, gone + (64 << 10), now);
  const std::uint32_t window = follow(tuning, gone, now, 20 * kMillisecond, 1 << 20, 200);
  EXPECT_GE(window, 2u << 20);
  EXPECT_LE(window, 3u << 20);
}

TEST(ReceiveTuning, AnIdleConnectionsWindowStays) {
  std::uint32_t gone = 0;
  TimeNs now = kSecond;
  ReceiveTuning tuning(64 << 10, gone, gone + (64 << 10), now);
  for (int i = 0; i < 3; ++i) {  // a burst tells the round trip
    now += 10 * kMillisecond;
    gone += 40'000;
    if (tuning.is_round_over(gone)) tuning.end_round(gone, gone + tuning.bytes(), kMost, 0, now);
  }
  const std::uint32_t before = tuning.bytes();
  for (int i = 0; i < 200; ++i) {  // and then a message a second
    now += kSecond;
    gone += 4'000;
    if (tuning.is_round_over(gone)) tuning.end_round(gone, gone + tuning.bytes(), kMost, 0, now);
  }
  EXPECT_EQ(tuning.bytes(), before);
}

TEST(ReceiveTuning, LearnsThatThePathBecameLongerFromWhatWeSend) {
  std::uint32_t gone = 0;
  TimeNs now = kSecond;
  ReceiveTuning tuning(64 << 10, gone, gone + (64 << 10), now);
  follow(tuning, gone, now, kMillisecond, 256 << 10, 50);
  const std::uint32_t before = tuning.bytes();
  follow(tuning, gone, now, 20 * kMillisecond, 20 * (256 << 10), 50);
  EXPECT_EQ(tuning.bytes(), before) << "nothing tells it from a slow sender";
  follow(tuning, gone, now, 20 * kMillisecond, 20 * (256 << 10), 50, 20 * kMillisecond);
  EXPECT_GE(tuning.bytes(), 8 * before);
}

TEST(ReceiveTuning, NothingIsBeyondTheMost) {
  ReceiveTuning tuning(64 << 10, 0, 64 << 10, 0);
  tuning.end_round(70'000, 200'000, 100'000, 0, kMillisecond);
  EXPECT_EQ(tuning.bytes(), 100'000u);
  tuning.end_round(270'000, 400'000, 30'000, 0, 2 * kMillisecond);
  EXPECT_EQ(tuning.bytes(), 30'000u) << "and it may go down";
}

class Tuned : public LegTest {
 protected:
  static constexpr DurationNs kRoundTrip = 40 * kMillisecond;

  Tuned() {
    limits.receive_bytes = 4u << 20;
    setup.receive_shift = 7;
    setup.receive_window = 60'000;
  }
  // The peer sends what the window allows, `most` at most, and half a round trip later hears of it.
  void round(std::uint32_t most = 0xffffffff) {
    const std::uint32_t bytes = std::min(edge_ - at_, most);
    for (std::uint32_t sent = 0; sent < bytes; sent += 60'000) {
      peer_sends({.text = pattern(std::min(bytes - sent, 60'000u))});
      at_ += std::min(bytes - sent, 60'000u);
      if (reads) read();
      for (const Out& out : output()) edge_ = out.ack + (std::uint32_t{out.window} << setup.receive_shift);
    }
    now += kRoundTrip;
  }
  [[nodiscard]] std::uint32_t window() const { return edge_ - at_; }

  std::uint32_t at_ = 0;
  std::uint32_t edge_ = 60'000;
  bool reads = true;
};

TEST_F(Tuned, ALongDownloadOpensTheWindowToItsLimit) {
  for (int i = 0; i < 3; ++i) round();
  EXPECT_GT(window(), 120'000u);
  for (int i = 0; i < 10; ++i) round();
  EXPECT_GT(window(), (4u << 20) - 200);
  EXPECT_LE(window(), 4u << 20);
}

TEST_F(Tuned, APeerThatSendsLittleKeepsASmallWindow) {
  for (int i = 0; i < 10; ++i) round(20'000);
  for (int i = 0; i < 100; ++i) {
    now += kSecond;
    round(1'000);
  }
  EXPECT_LE(window(), 200'000u);
}

TEST_F(Tuned, WhatIsNotReadOpensNothing) {
  reads = false;
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(window(), 0u);
  EXPECT_LE(leg().readable_bytes(), 66'000u) << "not the limit of 4 MiB";
}

TEST_F(Tuned, UndecidedBytesDoNotCloseTheWindowBelowTheLimit) {
  std::size_t held = 0;
  for (int i = 0; i < 20; ++i) {  // what is judged as a whole is kept until its end has come
    const std::uint32_t bytes = window();
    round();
    held += bytes;
    leg().set_downstream_bytes(held, 0, held);
    peer_sends({.text = "x"});
    ++at_;
    read();
    for (const Out& out : output()) edge_ = out.ack + (std::uint32_t{out.window} << setup.receive_shift);
  }
  EXPECT_GT(held, 1u << 20);
}

}  // namespace
}  // namespace sluice::tcp::test
