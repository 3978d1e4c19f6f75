// One value on its way from one thread to another, and what the other had in its stead on its way back. Never blocks,
// never locks, allocates and frees nothing: what is handed over stays where it lies, and both swap what is in it.
#pragma once

#include <atomic>

namespace sluice {

template <class T>
class Mailbox {
 public:
  // --- who offers
  // `value` lives until taken() names it. False while the last one waits.
  bool offer(T* value) {
    T* none = nullptr;
    return offered_.compare_exchange_strong(none, value, std::memory_order_acq_rel);
  }
  // What was taken, once; nullptr when nothing was.
  T* taken() { return taken_.exchange(nullptr, std::memory_order_acq_rel); }

  // --- who takes
  [[nodiscard]] bool has_offer() const { return offered_.load(std::memory_order_relaxed) != nullptr; }
  // `swap(T&)` puts what there was in place of what comes. False when nothing waits.
  template <class Swap>
  bool take(const Swap& swap) {
    if (!has_offer()) return false;
    T* const value = offered_.exchange(nullptr, std::memory_order_acq_rel);
    swap(*value);
    taken_.store(value, std::memory_order_release);
    return true;
  }

 private:
  std::atomic<T*> offered_{nullptr};
  std::atomic<T*> taken_{nullptr};
};

}  // namespace sluice
