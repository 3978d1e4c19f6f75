// The header before each frame of a TAP (virtio 1.1 section 5.1.6), in the machine's byte order, as the kernel
// has it unless told otherwise. Spelled out here because <linux/virtio_net.h> is not C++.
#pragma once

#include <cstdint>

namespace sluice::port {

struct VirtioHeader {
  enum Flag : std::uint8_t { needs_checksum = 1, data_valid = 2 };
  enum Gso : std::uint8_t { none = 0, tcp4 = 1, tcp6 = 4, ecn = 0x80 };

  std::uint8_t flags = 0;
  std::uint8_t gso_type = none;
  std::uint16_t header_bytes = 0;   // a hint: what the headers take
  std::uint16_t segment_bytes = 0;  // payload of each segment
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;  // from checksum_start
};
static_assert(sizeof(VirtioHeader) == 10);

}  // namespace sluice::port
