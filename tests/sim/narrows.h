// The routers of a path whose narrowest link changes with time: what is too big for it is dropped, and its sender is
// told as well as routers do it (RFC 792, RFC 1191, RFC 4443): the quotation may be short, the size may be left out.
#pragma once

#include <cstdint>
#include <optional>

#include "common/random.h"
#include "common/time.h"
#include "tests/sim/wire_frame.h"

namespace sluice::sim {

struct NarrowsConfig {
  DurationNs lasts = 0;  // of one size; 0: the path is wide
};

class Narrows {
 public:
  explicit Narrows(std::uint64_t seed) : seed_(seed), random_(seed) {}

  // What the sender of a packet that is too big now gets to hear; nothing of one that passes. A superframe is as big as
  // its segments, and none of them passes.
  std::optional<WireFrame> refuse(const NarrowsConfig& config, TimeNs now, const WireFrame& frame);

 private:
  [[nodiscard]] std::uint32_t mtu_bytes(const NarrowsConfig& config, TimeNs now, bool ipv4) const;

  std::uint64_t seed_;
  Random random_;
};

}  // namespace sluice::sim
