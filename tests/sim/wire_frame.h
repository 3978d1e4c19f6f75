// A frame on its way, and what a NIC would say of it.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::sim {

struct WireFrame {
  std::vector<std::uint8_t> bytes;
  bool partial_checksum = false;    // the field holds the pseudo-header sum
  std::uint16_t segment_bytes = 0;  // not 0: a coalesced frame of segments of this size
};

}  // namespace sluice::sim
