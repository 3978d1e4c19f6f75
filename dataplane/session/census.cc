// See census.h. Removal shifts the cluster back, so there are no tombstones.
#include "dataplane/session/census.h"

#include <bit>

#include "common/assert.h"

namespace sluice::session {

Census::Census(std::size_t capacity, const HashKey& seed)
    : seed_(seed), capacity_(capacity), mask_(std::bit_ceil(capacity * 2 + 1) - 1), entries_(mask_ + 1) {}

std::size_t Census::home(std::uint64_t key) const {
  return siphash(seed_, {reinterpret_cast<const std::uint8_t*>(&key), sizeof key}) & mask_;
}

std::size_t Census::find(std::uint64_t key) const {
  std::size_t at = home(key);
  while (entries_[at].count != 0 && entries_[at].key != key) at = (at + 1) & mask_;
  return at;
}

void Census::add(std::uint64_t key) {
  Entry& entry = entries_[find(key)];
  if (entry.count++ != 0) return;
  entry.key = key;
  ++keys_;
  SLUICE_ASSERT(keys_ <= capacity_);
}

void Census::remove(std::uint64_t key) {
  const std::size_t at = find(key);
  SLUICE_ASSERT(entries_[at].count != 0);
  if (--entries_[at].count != 0) return;
  --keys_;
  close_hole(at);
}

// Moves back what may live in the hole: its home is not between the hole and where it is.
void Census::close_hole(std::size_t hole) {
  for (std::size_t next = (hole + 1) & mask_; entries_[next].count != 0; next = (next + 1) & mask_) {
    if (((next - home(entries_[next].key)) & mask_) < ((next - hole) & mask_)) continue;
    entries_[hole] = entries_[next];
    hole = next;
  }
  entries_[hole] = {};
}

}  // namespace sluice::session
