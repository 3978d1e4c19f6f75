// See cache.h. A bucket has eight places, and the hand goes round in it alone.
#include "dataplane/sql/cache.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::sql {

FactsCache::FactsCache(std::size_t shapes)
    : entries_(std::bit_ceil(std::max(shapes, kWays))), hands_(entries_.size() / kWays), mask_(hands_.size() - 1) {}

const Facts* FactsCache::find(const ShapeId& id) {
  Entry* const bucket = bucket_of(id);
  for (Entry* entry = bucket; entry != bucket + kWays; ++entry) {
    if (entry->id != id || entry->facts == nullptr) continue;
    entry->asked = true;
    return entry->facts.get();
  }
  return nullptr;
}

SharedFacts FactsCache::put(const ShapeId& id, SharedFacts facts) {
  Entry* const bucket = bucket_of(id);
  const auto place = [&]() -> Entry* {
    for (Entry* entry = bucket; entry != bucket + kWays; ++entry)
      if (entry->facts != nullptr && entry->id == id) return entry;
    for (Entry* entry = bucket; entry != bucket + kWays; ++entry)
      if (entry->facts == nullptr) return entry;
    std::uint8_t& hand = hands_[id.high & mask_];
    for (;;) {
      Entry* const entry = bucket + hand;
      hand = static_cast<std::uint8_t>((hand + 1U) % kWays);
      if (!std::exchange(entry->asked, false)) return entry;
    }
  };
  Entry* const entry = place();
  if (entry->facts == nullptr) ++size_;
  entry->id = id;
  return std::exchange(entry->facts, std::move(facts));
}

}  // namespace sluice::sql
