// Zeroed memory for large tables that are looked up at random: on pages of 2 MiB where the kernel gives some, so that a
// lookup misses the cache and not the page tables too. What is never touched costs nothing; none of it goes into a core
// file. Made at start-up: the process ends where there is no room.
#pragma once

#include <cstddef>

namespace sluice {

class HugeMemory {
 public:
  // `file`, of at least so many bytes: the memory is the file's, and what is in it outlives the process. -1: of none.
  explicit HugeMemory(std::size_t bytes, int file = -1);
  ~HugeMemory();
  HugeMemory(const HugeMemory&) = delete;
  HugeMemory& operator=(const HugeMemory&) = delete;

  [[nodiscard]] std::byte* data() const { return data_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
};

}  // namespace sluice
