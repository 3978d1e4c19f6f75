#include "dataplane/inspect/anchors.h"

#include <algorithm>

namespace sluice::inspect {
namespace {

constexpr std::size_t kRanges = 4096;

void take_in(Anchors::Range& range, const Anchors::Range& other) {
  range.first = std::min(range.first, other.first);
  range.last = std::max(range.last, other.last);
  range.first_end = std::min(range.first_end, other.first_end);
}

}  // namespace

Anchors::Anchors() {
  ranges_.reserve(kRanges);
}

void Anchors::grow_for(std::size_t rules) {
  if (rules > rules_.size()) rules_.resize(rules);
  touched_.reserve(rules_.size());
}

void Anchors::clear() {
  for (const std::uint32_t rule : touched_) rules_[rule] = {};
  touched_.clear();
  ranges_.clear();
}

// One that begins before the last takes it in, with what lies between, and those before it that it reaches: ranges stay
// in order.
void Anchors::join(PerRule& rule, const Range& range) {
  take_in(ranges_[rule.tail], range);
  for (;;) {
    const std::uint32_t before = ranges_[rule.tail].previous;
    if (before == kNone || ranges_[rule.tail].first > ranges_[before].last + 1) return;
    take_in(ranges_[before], ranges_[rule.tail]);
    ranges_[before].next = kNone;
    rule.tail = before;
  }
}

void Anchors::append(PerRule& rule, const Range& range) {
  if (ranges_.size() == kRanges) {
    rule.whole = true;
    return;
  }
  const auto at = static_cast<std::uint32_t>(ranges_.size());
  ranges_.push_back({range.first, range.last, range.first_end, kNone, rule.tail});
  (rule.tail != kNone ? ranges_[rule.tail].next : rule.head) = at;
  rule.tail = at;
}

}  // namespace sluice::inspect
