// Of many starts, those from which some number could have a right check digit: where a rule asks for it (Luhn,
// ISO/IEC 7812-1 annex B), nine of ten numbers that look like a match are none, and this tells without reading each.
// One pass over the text from its end to its beginning: sums up to each end are kept, and a start compares two of them.
// It may leave too many starts, never too few.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/bytes.h"
#include "rules/automaton.h"

namespace sluice::inspect {

class LuhnFilter {
 public:
  // Of a rule whose matches, from their first byte to their last, are what is checked.
  explicit LuhnFilter(const rules::Automaton& automaton);

  // Bit i of `starts` stands for from + i, and is cleared where no match begins by its first byte, or none that ends in
  // the text or with it can pass.
  void keep(Bytes text, std::size_t from, std::span<std::uint64_t> starts) const;

 private:
  struct OfByte {
    std::uint32_t end_row = 0;  // of the pairs that it is the first of
    std::uint8_t digit = 0xff;  // its value
    std::uint8_t end_class = 0;
    bool begins = false;
    bool begins_after_word = false;
  };
  std::array<OfByte, 256> of_byte_;
  rules::EndPlaces ends_;
};

}  // namespace sluice::inspect
