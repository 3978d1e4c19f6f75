// CRC-32C (Castagnoli), by SSE4.2 where the CPU has it.
#pragma once

#include <cstdint>

#include "common/bytes.h"

namespace sluice::segment {

// Goes on from `crc`, the result for the bytes before (0 at the start).
std::uint32_t crc32c(std::uint32_t crc, Bytes data);
inline std::uint32_t crc32c(Bytes data) {
  return crc32c(0, data);
}

// The portable one, against which the other is tested.
std::uint32_t crc32c_portable(std::uint32_t crc, Bytes data);

}  // namespace sluice::segment
