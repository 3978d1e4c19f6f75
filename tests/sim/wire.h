// A path between two ports that delays, loses, repeats, reorders and damages frames, is dead for a while now and then,
// and may get narrow and have a meddler on it, all from one seed. Frames are bytes on the way, as on a real cable:
// nothing that the sender keeps is shared with the receiver. What a NIC would say of a frame (coalesced, partial
// checksum) travels beside them. The same seed and the same calls give the same trace().
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "common/random.h"
#include "common/time.h"
#include "tests/sim/clock.h"
#include "tests/sim/meddler.h"
#include "tests/sim/narrows.h"
#include "tests/sim/wire_frame.h"

namespace sluice::sim {

struct WireConfig {
  DurationNs latency = kMillisecond;
  DurationNs jitter = 0;  // of a frame that is overtaken by others
  std::uint32_t lost_per_mille = 0;
  std::uint32_t repeated_per_mille = 0;
  std::uint32_t reordered_per_mille = 0;
  std::uint32_t damaged_per_mille = 0;
  MeddlerConfig meddler = {};
  NarrowsConfig narrows = {};
  // How much of the time nothing gets through, for so long each.
  std::uint32_t out_per_mille = 0;
  DurationNs outage = 0;
};

class Wire {
 public:
  Wire(const Clock& clock, const WireConfig& config, std::uint64_t seed)
      : clock_(clock), config_(config), seed_(seed), random_(seed), meddler_(~seed), narrows_(seed) {}

  // A frame leaves end 0 or 1 for the other.
  void send(int from, WireFrame&& frame);
  // The next frame that has arrived at `end`.
  std::optional<WireFrame> receive(int end);
  // Of what is still on its way; what has arrived waits for whoever sleeps there.
  [[nodiscard]] TimeNs next_arrival() const;

  // Faults from now on (a test that ends in peace).
  void set_config(const WireConfig& config) { config_ = config; }
  // Stands for everything that was sent, and when, and what became of it.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  // Frames that were too big for the path.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct Flight {
    TimeNs at = 0;
    std::uint64_t order = 0;
    WireFrame frame;
  };
  struct Later {
    bool operator()(const Flight& a, const Flight& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };

  [[nodiscard]] bool is_out() const;
  void deliver(int to, WireFrame&& frame);
  void note(std::uint64_t what);

  const Clock& clock_;
  WireConfig config_;
  std::uint64_t seed_;
  Random random_;
  Meddler meddler_;
  Narrows narrows_;
  std::array<std::priority_queue<Flight, std::vector<Flight>, Later>, 2> flights_;
  std::uint64_t order_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t trace_ = 0;
};

}  // namespace sluice::sim
