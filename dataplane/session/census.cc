// See census.h.
#include "dataplane/session/census.h"

#include <bit>

#include "common/assert.h"
#include "dataplane/session/probing.h"

namespace sluice::session {

Census::Census(std::size_t capacity, const HashKey& seed)
    : seed_(seed), capacity_(capacity), mask_(std::bit_ceil(capacity * 2 + 1) - 1), entries_(mask_ + 1) {}

std::size_t Census::home(std::uint64_t key) const {
  return siphash_words(seed_, key) & mask_;
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
  close_hole(
      std::span(entries_), mask_, at, [](const Entry& entry) { return entry.count == 0; },
      [this](const Entry& entry) { return home(entry.key); });
}

}  // namespace sluice::session
