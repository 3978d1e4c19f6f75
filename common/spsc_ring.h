// A bounded ring between exactly one producer and one consumer thread, without locks. A full ring
// says no; nobody waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

namespace sluice {

template <class T>
class SpscRing {
 public:
  // Room for `capacity` elements, a power of two.
  explicit SpscRing(std::size_t capacity) : mask_(capacity - 1), slots_(capacity) {}

  // Producer.
  bool push(T value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
    slots_[tail & mask_] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  // Consumer.
  bool pop(T& value) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    value = std::move(slots_[head & mask_]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  // Either side; true may be out of date by the time it is read.
  [[nodiscard]] bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }

 private:
  static constexpr std::size_t kCacheLine = 64;

  const std::size_t mask_;
  std::vector<T> slots_;
  alignas(kCacheLine) std::atomic<std::size_t> head_{0};
  alignas(kCacheLine) std::atomic<std::size_t> tail_{0};
};

}  // namespace sluice
