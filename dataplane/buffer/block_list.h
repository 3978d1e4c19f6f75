// A short ordered list in one block of the worker's pool, with something of the owner's in front that lives as long:
// taken with the first value, given back with the last. So an empty list costs a pointer, and nothing is allocated on
// the way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "dataplane/buffer/blocks.h"

namespace sluice::buffer {

template <class T, class Head>
class BlockList {
 public:
  static constexpr std::size_t kMost = (Blocks::kBytes - sizeof(Head)) / sizeof(T);

  explicit BlockList(Blocks& blocks) : blocks_(blocks) {}
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;
  ~BlockList() { clear(); }

  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] T& operator[](std::size_t index) { return items()[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items()[index]; }
  [[nodiscard]] T* begin() { return items(); }
  [[nodiscard]] T* end() { return items() + count_; }
  [[nodiscard]] const T* begin() const { return items(); }
  [[nodiscard]] const T* end() const { return items() + count_; }
  [[nodiscard]] T& front() { return items()[0]; }
  [[nodiscard]] T& back() { return items()[count_ - 1u]; }
  [[nodiscard]] const T& front() const { return items()[0]; }
  [[nodiscard]] const T& back() const { return items()[count_ - 1u]; }
  // Of a list that is not empty.
  [[nodiscard]] Head& head() { return *block_; }
  [[nodiscard]] const Head& head() const { return *block_; }

  // There is room for one more, or a block was found for it. insert() follows only then.
  [[nodiscard]] bool reserve() {
    if (count_ > 0) return count_ < kMost;
    std::byte* const block = blocks_.take();
    if (block != nullptr) block_ = new (block) Head();
    return block != nullptr;
  }
  void insert(std::size_t index, T&& value) {
    T* const list = items();
    new (list + count_) T(std::move(value));
    std::rotate(list + index, list + count_, list + count_ + 1);
    ++count_;
  }
  void erase(std::size_t index) {
    std::move(begin() + index + 1, end(), begin() + index);
    std::destroy_at(end() - 1);
    if (--count_ == 0) release();
  }
  void clear() {
    if (count_ == 0) return;
    std::destroy_n(items(), count_);
    count_ = 0;
    release();
  }

 private:
  static_assert(alignof(T) <= alignof(Head) && sizeof(Head) % alignof(T) == 0);

  [[nodiscard]] T* items() const { return block_ == nullptr ? nullptr : reinterpret_cast<T*>(block_ + 1); }
  void release() {
    std::destroy_at(block_);
    blocks_.give_back(reinterpret_cast<std::byte*>(block_));
    block_ = nullptr;
  }

  Head* block_ = nullptr;
  Blocks& blocks_;
  std::uint32_t count_ = 0;
};

}  // namespace sluice::buffer
