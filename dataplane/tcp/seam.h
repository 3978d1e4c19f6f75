// Where a leg stands when nothing of its connection is under way: what must be known to go on without it.
#pragma once

#include <cstdint>

namespace sluice::tcp {

// Sequence numbers as the peer of this leg knows them.
struct Seam {
  std::uint32_t send_next = 0;     // of our bytes; all before are acknowledged
  std::uint32_t send_edge = 0;     // how far the peer's last window lets us send
  std::uint32_t receive_next = 0;  // of the peer's bytes; all before are acknowledged
  std::uint32_t receive_edge = 0;  // how far we ever let the peer send
  std::uint8_t send_shift = 0;     // scale of the windows that the peer tells
  std::uint8_t receive_shift = 0;  // scale in which the peer reads ours
  std::uint16_t mss = 0;           // most that the peer takes in one segment, options included
};

}  // namespace sluice::tcp
