// With what an array in the binary format begins: how many dimensions, whether there are NULLs, the type of its
// elements, then of each dimension its size and the number of its first element. The elements follow, each behind its
// length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/bytes.h"

namespace sluice::postgres {

inline constexpr std::uint32_t kArrayHeadBytes = 12;  // without the dimensions
inline constexpr std::uint32_t kDimensionBytes = 8;
inline constexpr std::uint32_t kMostDimensions = 6;
inline constexpr std::uint32_t kElementHeadBytes = 4;  // its length, or kNullLength

// How long the whole head is that begins with these kArrayHeadBytes; 0: it is none of such elements.
inline std::uint32_t array_head_bytes(Bytes head, std::uint32_t element_type) {
  const std::uint32_t dimensions = load_be32(head.data());
  if (dimensions > kMostDimensions || load_be32(head.data() + 8) != element_type) return 0;
  return kArrayHeadBytes + dimensions * kDimensionBytes;
}

// How many elements follow the whole head; nothing where they are more than `most`.
inline std::optional<std::uint32_t> array_elements(Bytes head, std::uint32_t most) {
  std::uint64_t count = head.size() == kArrayHeadBytes ? 0 : 1;
  for (std::size_t at = kArrayHeadBytes; at < head.size(); at += kDimensionBytes) {
    count *= load_be32(head.data() + at);
    if (count > most) return std::nullopt;
  }
  return static_cast<std::uint32_t>(count);
}

}  // namespace sluice::postgres
