// What every match holds enough of, wherever in it: thirteen digits, of a card number. Tells text that begins like a
// match from one where a shape (anchor.h) cannot, a date and an hour for example.
#pragma once

#include <cstdint>

#include "rules/automaton.h"
#include "rules/byte_set.h"

namespace sluice::rules {

// A match holds `least` bytes of `of` at least, and no byte that is not in `within`. 0: nothing is known that the
// shape does not tell.
struct Quota {
  ByteSet of;
  ByteSet within;
  std::uint32_t least = 0;
};

Quota quota_of(const Automaton& automaton);

}  // namespace sluice::rules
