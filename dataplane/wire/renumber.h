// Other numbers in the TCP header of a segment that passes as it is: what two connections differ in that are joined at
// a constant distance. The checksum is patched (RFC 1624) and never computed, so one that is wrong stays wrong.
#pragma once

#include <cstdint>

#include "common/bytes.h"

namespace sluice::wire {

struct Renumbering {
  std::uint32_t seq = 0;         // added to the sequence number
  std::uint32_t ack = 0;         // added to the acknowledgement number, and to both ends of each SACK block
  std::uint8_t window_from = 0;  // the scale in which the window was told
  std::uint8_t window_to = 0;    // the scale in which it is read

  [[nodiscard]] bool is_none() const { return seq == 0 && ack == 0 && window_from == window_to; }
};

// `header`: a whole TCP header that parse() took, no SYN. With `partial` its checksum field holds the sum of the pseudo
// header alone, which none of this touches.
void renumber(MutableBytes header, const Renumbering& by, bool partial);

// A window in another scale: rounded down, so that no more is promised than was; at most what 16 bits say.
std::uint16_t rescaled_window(std::uint16_t window, std::uint8_t from, std::uint8_t to);

}  // namespace sluice::wire
