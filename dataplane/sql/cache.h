// The facts of the shapes that a worker has seen: its own, so nothing locks. Bounded; what has not been asked for
// longest, about, makes room (CLOCK). Keys are hashes under keys that no peer knows, so buckets need no seed of their
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/sql/facts.h"
#include "dataplane/sql/shape.h"

namespace sluice::sql {

using SharedFacts = std::shared_ptr<const Facts>;

class FactsCache {
 public:
  // Rounded up to a power of two. All memory is taken here.
  explicit FactsCache(std::size_t shapes);

  // Null when the shape is not known. What comes back lives until the next put().
  const Facts* find(const ShapeId& id);
  // What had to make room, or what stood there already: for who may free it.
  SharedFacts put(const ShapeId& id, SharedFacts facts);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kWays = 8;

  struct Entry {
    ShapeId id;
    SharedFacts facts;
    bool asked = false;
  };

  Entry* bucket_of(const ShapeId& id) { return &entries_[(id.high & mask_) * kWays]; }

  std::vector<Entry> entries_;
  std::vector<std::uint8_t> hands_;  // of each bucket
  std::uint64_t mask_;
  std::size_t size_ = 0;
};

}  // namespace sluice::sql
