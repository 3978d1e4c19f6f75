// See histogram.h.
#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice::bench {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  const unsigned bits = static_cast<unsigned>(std::bit_width(value));
  if (bits <= kExactBits) return static_cast<std::size_t>(value);
  const unsigned shift = bits - kExactBits;
  return shift * kHalf + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::end_of(std::size_t bucket) {
  if (bucket < 2 * kHalf) return bucket;
  const std::size_t shift = bucket / kHalf - 1;
  const std::uint64_t top = bucket - shift * kHalf;
  return (top << shift) + ((std::uint64_t{1} << shift) - 1);
}

void Histogram::add(std::uint64_t value) {
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

std::uint64_t Histogram::percentile(double share) const {
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * double(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(end_of(bucket), max_);
  }
  return max_;
}

}  // namespace sluice::bench
