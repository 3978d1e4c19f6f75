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

  HashKey seed_;
  std::size_t capacity_;
  std::size_t mask_;
  std::size_t keys_ = 0;
  std::vector<Entry> entries_;
};

// At most `limit` of each key. 0 is no limit: then nothing is counted.
class Quota {
 public:
  // `capacity`: as many as there can be of all keys together.
  Quota(std::uint32_t limit, std::size_t capacity, const HashKey& seed)
      : limit_(limit), census_(limit == 0 ? 0 : capacity, seed) {}

  [[nodiscard]] bool is_reached(std::uint64_t key) const { return limit_ != 0 && census_.count(key) >= limit_; }
  void add(std::uint64_t key) {
    if (limit_ != 0) census_.add(key);
  }
  void remove(std::uint64_t key) {
    if (limit_ != 0) census_.remove(key);
  }

 private:
  std::uint32_t limit_;
  Census census_;
};

}  // namespace sluice::session
