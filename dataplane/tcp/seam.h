// Where a leg stands when nothing of its connection is under way: what must be known to go on without it.
#pragma once

#include <cstdint>

#include "dataplane/tcp/setup.h"

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

// Of a connection on which no byte was sent yet.
inline Seam seam_of(const LegSetup& setup) {
  return {.send_next = setup.send_next,
          .send_edge = setup.send_next + setup.send_window,
          .receive_next = setup.receive_next,
          .receive_edge = setup.receive_next + setup.receive_window,
          .send_shift = setup.send_shift,
          .receive_shift = setup.receive_shift,
          .mss = setup.mss};
}

}  // namespace sluice::tcp
