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
  // How many bytes at the beginning of the text, and at its end, are of the set.
  [[nodiscard]] std::size_t at_begin(Bytes text) const { return at_begin(text, text.size()); }
  // The same of its first `most` bytes, which it has; what is behind them may be looked at too.
  [[nodiscard]] std::size_t at_begin(Bytes text, std::size_t most) const {
    return most == 0 || !holds_[text[0]] ? 0 : many_at_begin(text, most);
  }
  [[nodiscard]] std::size_t at_end(Bytes text) const {
    return text.empty() || !holds_[text.back()] ? 0 : many_at_end(text);
  }
  // How many looks it takes to tell that no more than `count` bytes are of the set, where the first few are looked at
  // one by one.
  [[nodiscard]] static constexpr std::size_t looks(std::size_t count) {
    return count < kFew ? count + 1 : kFew + 1 + (count - kFew) / kAtOnce;
  }
  // The same, byte by byte: against which the others are tested.
  [[nodiscard]] std::size_t at_begin_portable(Bytes text) const;
  [[nodiscard]] std::size_t at_end_portable(Bytes text) const;

 private:
  static constexpr std::size_t kFew = 8;
  static constexpr std::size_t kAtOnce = 32;
  [[nodiscard]] std::size_t many_at_begin(Bytes text, std::size_t most) const;
  [[nodiscard]] std::size_t many_at_end(Bytes text) const;

  friend struct SpanVectors;
  std::array<bool, 256> holds_{};
  // By the lower half of a byte: which upper halves make it one of the set, 0 to 7 and 8 to 15.
  alignas(16) std::array<std::uint8_t, 16> lower_rows_{};
  alignas(16) std::array<std::uint8_t, 16> upper_rows_{};
};

}  // namespace sluice::rules
