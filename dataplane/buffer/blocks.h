// Blocks of memory of one size, for state that few connections need at a time: a loss, a long flight. Taken at start
// and handed out from a free list; what was never used costs nothing. Whoever gets none does with less, and that is
// counted. Single-threaded: they belong to the worker whose pools they lie in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "common/huge_memory.h"

namespace sluice::buffer {

class Blocks {
 public:
  static constexpr std::size_t kBytes = 3072;

  explicit Blocks(std::uint32_t count) : memory_(count * kBytes), count_(count) {}
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  // Of kBytes, aligned to a cache line, with anything in it; nullptr when all are out.
  [[nodiscard]] std::byte* take() {
    std::byte* block = nullptr;
    if (free_ != nullptr) {
      block = reinterpret_cast<std::byte*>(free_);
      free_ = free_->next;
    } else if (fresh_ < count_) {
      block = memory_.data() + kBytes * fresh_++;
    } else {
      ++refused_;
      return nullptr;
    }
    ++in_use_;
    return block;
  }
  void give_back(std::byte* block) {
    free_ = new (block) Free{free_};
    --in_use_;
  }

  [[nodiscard]] std::uint32_t in_use() const { return in_use_; }
  // How often none was left, since the last call.
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

 private:
  struct Free {
    Free* next;
  };

  HugeMemory memory_;
  std::uint32_t count_;
  std::uint32_t fresh_ = 0;  // blocks never used yet
  std::uint32_t in_use_ = 0;
  Free* free_ = nullptr;
  std::uint64_t refused_ = 0;
};

}  // namespace sluice::buffer
