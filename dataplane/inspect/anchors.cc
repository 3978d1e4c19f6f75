#include "dataplane/inspect/anchors.h"

#include <algorithm>

namespace sluice::inspect {
namespace {

constexpr std::size_t kRanges = 4096;

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
  PerRule& rule = rules_[position];
  if (rule.whole) return;
  if (rule.head == kNone) touched_.push_back(position);
  if (rule.tail != kNone) {
    // One that begins before the last takes it in, with what lies between: ranges stay in order.
    Range& tail = ranges_[rule.tail];
    if (range.first <= tail.last + 1) {
      tail.first = std::min(tail.first, range.first);
      tail.last = std::max(tail.last, range.last);
      tail.first_end = std::min(tail.first_end, range.first_end);
      return;
    }
  }
  if (ranges_.size() == kRanges) {
    rule.whole = true;
    return;
  }
  const auto at = static_cast<std::uint32_t>(ranges_.size());
  ranges_.push_back({range.first, range.last, range.first_end, kNone});
  if (rule.tail != kNone) {
    ranges_[rule.tail].next = at;
  } else {
    rule.head = at;
  }
  rule.tail = at;
}

}  // namespace sluice::inspect
