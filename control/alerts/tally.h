// Sums of the last so long: buckets in a ring, whose oldest leave as time goes on. What is added are whole numbers, so
// the sums are exact. Its size is fixed when it is made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "common/time.h"

namespace sluice::control {

class Tally {
 public:
  static constexpr std::size_t kBuckets = 30;

  Tally(DurationNs window, std::size_t numbers)
      : width_(std::max<DurationNs>(window / kBuckets, 1)), sums_(numbers), buckets_(numbers * kBuckets) {}

  // Time never goes back; each of `numbers` is added to its sum.
  void add(TimeNs now, std::span<const double> numbers) {
    advance(now);
    double* const bucket = at(newest_);
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      bucket[i] += numbers[i];
      sums_[i] += numbers[i];
    }
  }
  // What lies further back than the window leaves.
  void advance(TimeNs now) {
    const std::uint64_t slot = now / width_;
    if (slot <= newest_) return;
    const std::uint64_t steps = std::min<std::uint64_t>(slot - newest_, kBuckets);
    for (std::uint64_t step = 0; step < steps; ++step) {
      double* const bucket = at(slot - step);
      for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] -= std::exchange(bucket[i], 0);
    }
    newest_ = slot;
  }
  [[nodiscard]] std::span<const double> sums() const { return sums_; }
  [[nodiscard]] bool empty() const {
    return std::ranges::all_of(sums_, [](double sum) { return sum == 0; });
  }

 private:
  double* at(std::uint64_t slot) { return buckets_.data() + (slot % kBuckets) * sums_.size(); }

  DurationNs width_;
  std::uint64_t newest_ = 0;
  std::vector<double> sums_;
  std::vector<double> buckets_;
};

}  // namespace sluice::control
