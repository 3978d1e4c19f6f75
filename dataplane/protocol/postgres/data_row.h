// A DataRow message that lies whole in one piece, for results of many rows: its cells without a step for each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"

namespace sluice::postgres {

inline constexpr std::uint8_t kRowType = 'D';
inline constexpr std::size_t kRowHeadBytes = 7;   // type, length, count of cells
inline constexpr std::size_t kCellHeadBytes = 4;  // its length
inline constexpr std::uint32_t kNullLength = 0xffffffff;

// The row that begins at the first of `bytes`, which was found whole (whole_row()).
class Row {
 public:
  explicit Row(Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint32_t cells() const { return load_be16(bytes_.data() + 5); }
  [[nodiscard]] std::size_t size() const { return 1 + std::size_t{load_be32(bytes_.data() + 1)}; }
  // Calls fn(offset, length, is NULL) for each cell; `offset` is that of its first byte in the row.
  template <class Fn>
  void for_each_cell(Fn&& fn) const {
    std::size_t at = kRowHeadBytes;
    for (std::uint32_t i = cells(); i > 0; --i) {
      std::uint32_t length = load_be32(bytes_.data() + at);
      const bool null = length == kNullLength;
      if (null) length = 0;
      at += kCellHeadBytes;
      fn(at, length, null);
      at += length;
    }
  }

 private:
  Bytes bytes_;
};

// Whether `input` begins with a whole, sound row of so many cells. Calls fn(length, is NULL) for its cells, also of a
// row that turns out to be none. Returns the row's bytes, or 0.
template <class Fn>
std::size_t whole_row(Bytes input, std::uint32_t cells, Fn&& fn) {
  if (input.size() < kRowHeadBytes || input[0] != kRowType) return 0;
  const std::size_t bytes = 1 + std::size_t{load_be32(input.data() + 1)};
  if (bytes < kRowHeadBytes || bytes > input.size() || load_be16(input.data() + 5) != cells) return 0;
  std::size_t left = bytes - kRowHeadBytes;
  const std::uint8_t* at = input.data() + kRowHeadBytes;
  for (; cells > 0; --cells) {
    if (left < kCellHeadBytes) return 0;
    std::uint32_t length = load_be32(at);
    const bool null = length == kNullLength;
    if (null) length = 0;
    left -= kCellHeadBytes;
    if (length > left) return 0;
    fn(length, null);
    left -= length;
    at += kCellHeadBytes + length;
  }
  return left == 0 ? bytes : 0;
}

}  // namespace sluice::postgres
