// A queue in one block of memory that grows by doubling and is given back when it runs empty: nothing is allocated for
// who asks and is answered in turn.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "common/assert.h"

namespace sluice::postgres {

template <class T>
class Ring {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  T& operator[](std::size_t index) {
    SLUICE_ASSERT(index < size_);
    return slots_[(begin_ + index) & (slots_.size() - 1)];
  }
  T& front() { return (*this)[0]; }
  [[nodiscard]] const T& front() const {
    SLUICE_ASSERT(size_ > 0);
    return slots_[begin_];
  }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(begin_ + size_) & (slots_.size() - 1)] = std::move(value);
    ++size_;
  }
  void push_front(T value) {
    if (size_ == slots_.size()) grow();
    begin_ = (begin_ - 1) & (slots_.size() - 1);
    slots_[begin_] = std::move(value);
    ++size_;
  }
  void pop_front() {
    front() = T{};  // what it held goes now
    begin_ = (begin_ + 1) & (slots_.size() - 1);
    --size_;
    if (size_ == 0 && slots_.size() > kKept) std::vector<T>().swap(slots_);
    if (size_ == 0) begin_ = 0;
  }

 private:
  static constexpr std::size_t kLeast = 4;
  static constexpr std::size_t kKept = 64;  // slots of an empty ring

  void grow() {
    std::vector<T> more(slots_.empty() ? kLeast : 2 * slots_.size());
    for (std::size_t i = 0; i < size_; ++i) more[i] = std::move((*this)[i]);
    slots_ = std::move(more);
    begin_ = 0;
  }

  std::vector<T> slots_;  // a power of two of them
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sluice::postgres
