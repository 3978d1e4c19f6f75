// Removal from a table with open addressing and linear probing, without tombstones.
#pragma once

#include <cstddef>
#include <span>

namespace sluice::session {

// Empties the slot `hole`, and moves back what behind it can no longer be found then: whatever has its home not between
// the hole and where it is. `mask` is the number of slots, a power of two, less one.
template <class Slot, class IsFree, class Home>
void close_hole(std::span<Slot> slots, std::size_t mask, std::size_t hole, IsFree&& is_free, Home&& home) {
  for (std::size_t next = (hole + 1) & mask; !is_free(slots[next]); next = (next + 1) & mask) {
    if (((next - home(slots[next])) & mask) < ((next - hole) & mask)) continue;
    slots[hole] = slots[next];
    hole = next;
  }
  slots[hole] = {};
}

}  // namespace sluice::session
