// Tells the legs of a worker how full its buffers are, once a burst.
#pragma once

#include "dataplane/buffer/pools.h"
#include "dataplane/tcp/pressure.h"

namespace sluice::worker {

class MemoryGuard {
 public:
  // What is taken now belongs to the ports, for as long as they live.
  MemoryGuard(const buffer::Pools& pools, std::uint32_t receive_bytes)
      : pools_(pools), sizes_(pools.sizes()), of_ports_(pools.taken()), receive_bytes_(receive_bytes) {}

  void look(TimeNs now);
  // Legs ask it; the guard outlives them.
  [[nodiscard]] tcp::Pressure& pressure() { return pressure_; }

 private:
  const buffer::Pools& pools_;
  const buffer::BufferCounts sizes_;
  const buffer::BufferCounts of_ports_;
  const std::uint32_t receive_bytes_;
  tcp::Pressure pressure_;
};

}  // namespace sluice::worker
