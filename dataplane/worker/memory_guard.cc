// See memory_guard.h.
#include "dataplane/worker/memory_guard.h"

#include <algorithm>

namespace sluice::worker {
namespace {

// Of tcp::Pressure::kFull.
std::uint32_t fill(std::uint32_t taken, std::uint32_t of_ports, std::uint32_t size) {
  const std::uint64_t ours = taken - std::min(taken, of_ports);
  const std::uint64_t most = std::max(size - std::min(size, of_ports), 1u);
  return static_cast<std::uint32_t>(ours * tcp::Pressure::kFull / most);
}

}  // namespace

// Without jumbos received frames come in more pieces; without frames or views nothing moves.
void MemoryGuard::look(TimeNs now) {
  const buffer::BufferCounts taken = pools_.taken();
  const std::uint32_t needed =
      std::max(fill(taken.frames, of_ports_.frames, sizes_.frames), fill(taken.views, of_ports_.views, sizes_.views));
  const std::uint32_t jumbos = fill(taken.jumbos, of_ports_.jumbos, sizes_.jumbos);
  pressure_.set(std::max(needed, jumbos), needed, receive_bytes_, now);
}

}  // namespace sluice::worker
