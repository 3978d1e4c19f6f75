// A scripted peer on the other side of one leg, for tests of one behaviour each. Sequence numbers
// are written relative to the first byte of their direction; on the wire both streams begin just
// below 2^32, so that every test wraps. Time is a number that only the test moves.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/buffer/pools.h"
#include "dataplane/tcp/leg.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp::test {

using wire::kAck;
using wire::kFin;
using wire::kPsh;
using wire::kRst;
using wire::kSyn;

inline constexpr std::uint32_t kPeerBase = 0xffffff00;
inline constexpr std::uint32_t kOurBase = 0xfffffff0;
inline constexpr std::uint16_t kMss = 1000;
inline constexpr DurationNs kRtt = 40 * kMillisecond;  // of a path that a test measures

// What the peer sends. Left out: the next byte in order, and the last acknowledgement again.
struct In {
  std::optional<std::uint32_t> seq{};
  std::optional<std::uint32_t> ack{};
  std::string text{};
  std::uint8_t flags = kAck;
  std::optional<std::uint16_t> window{};
  std::optional<std::uint32_t> ts_value{};
  std::uint32_t ts_echo = 0;
  std::vector<wire::SackBlock> sack{};
  bool congested = false;
};

// What the leg sent, relative.
struct Out {
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
  bool ecn_capable = false;
  bool has_timestamps = false;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::uint16_t mss = 0;
  std::string text;
  std::uint32_t pieces = 0;
  std::vector<wire::SackBlock> sack;
};

buffer::Pools& shared_pools();
buffer::Chain chain_of(buffer::Pools& pools, const std::string& text);
std::string text_of(const buffer::Chain& chain);
// `bytes` letters that do not repeat soon, so that a misplaced piece shows.
std::string pattern(std::size_t bytes, std::size_t from = 0);

class LegTest : public ::testing::Test, private SegmentSink {
 protected:
  LegTest();
  ~LegTest() override;

  // Change setup and limits, then start(); start() is called by the first use otherwise.
  void start();
  Leg& leg();

  ErrorCode peer_sends(In in);
  // All that is due now.
  std::vector<Out> output();
  // Exactly one segment is due.
  Out expect_one();
  void expect_nothing();
  // An empty ACK of `ack` is due, and nothing else.
  void expect_ack(std::uint32_t ack);
  // The leg is quiet or settled, and goes on as one made from what it leaves at rest.
  void rest();
  void write(const std::string& text);
  // The bytes of the pattern from `from` on are written, and leave as far as they may.
  void in_flight(std::size_t bytes, std::size_t from = 0) {
    write(pattern(bytes, from));
    output();
  }
  std::string read(std::size_t limit = SIZE_MAX);

  // One exchange of 1 000 bytes, so that the round trip is known.
  void measure();
  // Deadlines are served (a probe, a timeout) until the segment at `seq` goes again.
  void wait_until_sent_again(std::uint32_t seq);

  // Time goes on to the leg's next deadline, which is served. Returns how long that took.
  DurationNs wait_for_deadline();
  // Time goes on; deadlines on the way are served and what goes out is returned.
  std::vector<Out> wait(DurationNs duration);

  LegSetup setup;
  LegLimits limits;
  TimeNs now = 1'000 * kSecond;
  bool sink_is_full = false;

 private:
  bool emit(SegmentOut&& segment) override;

  std::unique_ptr<Leg> leg_;
  std::vector<Out> sent_;
  std::uint32_t peer_next_ = 0;
  std::uint32_t peer_ack_ = 0;
  std::uint16_t peer_window_ = 65535;
};

}  // namespace sluice::tcp::test
