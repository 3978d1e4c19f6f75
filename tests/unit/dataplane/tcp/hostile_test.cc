// Whatever a peer sends, a leg neither asserts nor leaves its bounds, and gives every buffer back.
#include "common/random.h"
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

class Hostile : public LegTest {
 protected:
  // Mostly near the edges that matter, sometimes anywhere.
  std::uint32_t near(Random& random, std::uint32_t edge) {
    if (random.chance(1, 20)) return static_cast<std::uint32_t>(random.next());
    return edge + static_cast<std::uint32_t>(random.below(3'000)) - 1'500;
  }

  void run(std::uint64_t seed) {
    Random random(seed);
    setup.timestamps = random.chance(1, 2);
    setup.receive_shift = static_cast<std::uint8_t>(random.below(20));
    setup.send_shift = static_cast<std::uint8_t>(random.below(20));
    setup.mss = static_cast<std::uint16_t>(random.below(2'000));
    limits.pinned_bytes = 64u << 10;
    limits.out_of_order_segments = 16;
    start();
    std::uint32_t received_to = 0;
    std::uint32_t sent_to = 0;
    for (int step = 0; step < 300; ++step) {
      In in{.seq = near(random, received_to), .ack = near(random, sent_to)};
      if (random.chance(1, 2)) in.seq = received_to;
      in.text = pattern(random.below(random.chance(1, 4) ? 1'400 : 4), random.below(100));
      in.flags = static_cast<std::uint8_t>(random.chance(9, 10) ? std::uint64_t{kAck} : random.next());
      if (random.chance(1, 10)) in.window = static_cast<std::uint16_t>(random.next());
      if (random.chance(1, 2)) in.ts_value = static_cast<std::uint32_t>(random.next());
      peer_sends(std::move(in));
      act(random);
      sink_is_full = random.chance(1, 20);
      for (const Out& out : output()) {
        received_to = out.ack;
        sent_to = std::max(sent_to, out.seq + static_cast<std::uint32_t>(out.text.size()));
      }
      const std::size_t held = leg().pinned_bytes();
      ASSERT_LE(held, limits.pinned_bytes + (256u << 10)) << "receive bound and what was written";
      ASSERT_TRUE(leg().next_deadline() > now) << "served, and yet due";
    }
  }

  void act(Random& random) {
    switch (random.below(8)) {
      case 0:
        if (!finished_ && leg().unacknowledged_bytes() < 20'000) write(pattern(random.below(3'000)));
        return;
      case 1:
        read(random.below(4'000));
        return;
      case 2:
        leg().set_downstream_bytes(random.below(70'000), random.below(70'000));
        return;
      case 3:
        now += random.below(2 * kSecond);
        leg().on_timer(now);
        return;
      case 4:
        if (!random.chance(1, 20)) return;
        finished_ = true;
        return leg().finish();
      case 5:
        if (random.chance(1, 100)) leg().abort(ErrorCode::tcp_aborted);
        return;
      default:
        return;
    }
  }

  bool finished_ = false;
};

TEST_F(Hostile, AnySegmentsKeepTheBounds) {
  const LegSetup plain = setup;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    setup = plain;
    limits = {};
    limits.receive_bytes = 65535;
    finished_ = false;
    run(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::tcp::test
