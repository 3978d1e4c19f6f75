// See bucket.h.
#include "dataplane/enforce/bucket.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::enforce {
namespace {

// From here on the rounding of a unit to whole ns costs less than a thousandth of the rate.
constexpr DurationNs kWholeUnitNs = 1000;

__extension__ using Wide = unsigned __int128;

}  // namespace

Terms::Terms(std::uint64_t units, DurationNs period_ns, std::uint64_t burst)
    : units_(units), period_ns_(period_ns), burst_(burst), capacity_ns_(0) {
  SLUICE_ASSERT(units > 0 && period_ns > 0 && burst > 0);
  if (period_ns / units >= kWholeUnitNs) {
    period_ns_ = (period_ns + units - 1) / units;
    units_ = 1;
  }
  // Down, so that no rounding lets more pass; but one unit always fits.
  capacity_ns_ =
      static_cast<DurationNs>(std::min<Wide>(static_cast<Wide>(burst_) * period_ns_ / units_, Terms::kMaxRefillNs));
  capacity_ns_ = std::max(capacity_ns_, cost_within_burst(1));
}

DurationNs Terms::cost_within_burst(std::uint64_t n) const {
  if (units_ == 1) return n * period_ns_;
  return static_cast<DurationNs>((static_cast<Wide>(n) * period_ns_ + units_ - 1) / units_);
}

std::uint64_t Terms::units_in(DurationNs time) const {
  return static_cast<std::uint64_t>(static_cast<Wide>(time) * units_ / period_ns_);
}

}  // namespace sluice::enforce
