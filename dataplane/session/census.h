// How many there are of each key: exact, for keys that peers choose. As many keys at once as it was made for; who
// counts something of which there is a bound (sessions, half-open connections) never needs more. Open addressing with
// linear probing and a seeded hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/siphash.h"

namespace sluice::session {

class Census {
 public:
  Census(std::size_t capacity, const HashKey& seed);

  [[nodiscard]] std::uint32_t count(std::uint64_t key) const { return entries_[find(key)].count; }
  void add(std::uint64_t key);
  void remove(std::uint64_t key);  // one that was added
  [[nodiscard]] std::size_t keys() const { return keys_; }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t count = 0;  // 0: the entry is free
  };
  [[nodiscard]] std::size_t home(std::uint64_t key) const;
  // Where the key is, or would go.
  [[nodiscard]] std::size_t find(std::uint64_t key) const;
  void close_hole(std::size_t hole);

  HashKey seed_;
  std::size_t capacity_;
  std::size_t mask_;
  std::size_t keys_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace sluice::session
