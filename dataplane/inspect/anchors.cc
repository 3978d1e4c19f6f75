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

void Anchors::add(std::uint32_t position, const Range& range) {
  ++found_;
  PerRule& rule = rules_[position];
  if (rule.whole) return;
  if (rule.head == kNone) touched_.push_back(position);
  if (rule.tail != kNone && range.first <= ranges_[rule.tail].last + 1) {
    // One that begins before the last takes it in, with what lies between, and those before it that it reaches: ranges
    // stay in order.
    take_in(ranges_[rule.tail], range);
    for (;;) {
      const std::uint32_t before = ranges_[rule.tail].previous;
      if (before == kNone || ranges_[rule.tail].first > ranges_[before].last + 1) return;
      take_in(ranges_[before], ranges_[rule.tail]);
      ranges_[before].next = kNone;
      rule.tail = before;
    }
  }
  if (ranges_.size() == kRanges) {
    rule.whole = true;
    return;
  }
  const auto at = static_cast<std::uint32_t>(ranges_.size());
  ranges_.push_back({range.first, range.last, range.first_end, kNone, rule.tail});
  if (rule.tail != kNone) {
    ranges_[rule.tail].next = at;
  } else {
    rule.head = at;
  }
  rule.tail = at;
}

}  // namespace sluice::inspect
