// A histogram of durations with stated precision: exact below 128, above that every power of two has 64 equal buckets,
// so a value is known to within 1/64 of itself (1.6 %). No value is lost; its memory is constant.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::bench {

class Histogram {
 public:
  void add(std::uint64_t value);
  // The smallest bucket end that at least `share` (0 to 1) of all values do not exceed; 0 when there are none.
  [[nodiscard]] std::uint64_t percentile(double share) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }

 private:
  static constexpr unsigned kExactBits = 7;
  static constexpr std::size_t kHalf = std::size_t{1} << (kExactBits - 1);
  static constexpr std::size_t kBuckets = (64 - kExactBits + 2) * kHalf;

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t end_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sluice::bench
