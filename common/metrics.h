// Counters with one writer each and any number of readers. The owner adds without a locked
// instruction; a reader sees a value that was true a moment ago.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "common/error.h"

namespace sluice {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// One counter for each ErrorCode: why things were dropped, refused or given up.
class ErrorCounters {
 public:
  void add(ErrorCode code, std::uint64_t n = 1) { counters_[error_index(code)].add(n); }
  [[nodiscard]] std::uint64_t value(ErrorCode code) const { return counters_[error_index(code)].value(); }

 private:
  static constexpr std::size_t kCapacity = 256;
  std::array<Counter, kCapacity> counters_;
};

}  // namespace sluice
