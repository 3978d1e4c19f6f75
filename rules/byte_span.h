// How far bytes of one set reach, forwards or backwards: 32 at a time by AVX2 where the CPU has it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "rules/byte_set.h"

namespace sluice::rules {

class ByteSpan {
 public:
  ByteSpan() = default;  // of no byte
  explicit ByteSpan(const ByteSet& set);

  [[nodiscard]] bool holds(std::uint8_t byte) const { return holds_[byte]; }
  // How many bytes at the beginning of the text, and at its end, are of the set. Of most texts it is a few.
  [[nodiscard]] std::size_t at_begin(Bytes text) const {
    const std::size_t few = std::min(text.size(), kFew);
    std::size_t count = 0;
    while (count < few && holds_[text[count]]) ++count;
    return count < kFew ? count : count + many_at_begin(text.subspan(count));
  }
  [[nodiscard]] std::size_t at_end(Bytes text) const {
    const std::size_t few = std::min(text.size(), kFew);
    std::size_t count = 0;
    while (count < few && holds_[text[text.size() - 1 - count]]) ++count;
    return count < kFew ? count : count + many_at_end(text.first(text.size() - count));
  }
  // How many looks it takes to tell that no more than `count` bytes are of the set: the first few one by one.
  [[nodiscard]] static constexpr std::size_t looks(std::size_t count) {
    return count < kFew ? count + 1 : kFew + 1 + (count - kFew) / kAtOnce;
  }
  // The same, byte by byte: against which the others are tested.
  [[nodiscard]] std::size_t at_begin_portable(Bytes text) const;
  [[nodiscard]] std::size_t at_end_portable(Bytes text) const;

 private:
  static constexpr std::size_t kFew = 8;
  static constexpr std::size_t kAtOnce = 32;
  [[nodiscard]] std::size_t many_at_begin(Bytes text) const;
  [[nodiscard]] std::size_t many_at_end(Bytes text) const;

  friend struct SpanVectors;
  std::array<bool, 256> holds_{};
  // By the lower half of a byte: which upper halves make it one of the set, 0 to 7 and 8 to 15.
  alignas(16) std::array<std::uint8_t, 16> lower_rows_{};
  alignas(16) std::array<std::uint8_t, 16> upper_rows_{};
};

}  // namespace sluice::rules
