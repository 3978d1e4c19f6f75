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

void Anchors::add(const rules::Automaton& automaton, std::uint32_t position, std::uint32_t end) {
  PerRule& rule = rules_[position];
  if (rule.whole || end < automaton.min_width()) return;
  if (rule.head == kNone) touched_.push_back(position);
  const std::uint32_t first = end - std::min(end, automaton.max_width());
  const std::uint32_t last = end - automaton.min_width();
  if (rule.tail != kNone) {
    Range& tail = ranges_[rule.tail];
    if (first >= tail.first && first <= tail.last + 1) {
      tail.last = std::max(tail.last, last);
      tail.first_end = std::min(tail.first_end, end);
      return;
    }
  }
  if (ranges_.size() == kRanges || (rule.tail != kNone && first < ranges_[rule.tail].first)) {
    rule.whole = true;
    return;
  }
  const auto at = static_cast<std::uint32_t>(ranges_.size());
  ranges_.push_back({first, last, end, kNone});
  if (rule.tail != kNone) {
    ranges_[rule.tail].next = at;
  } else {
    rule.head = at;
  }
  rule.tail = at;
}

}  // namespace sluice::inspect
