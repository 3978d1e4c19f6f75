#include "dataplane/inspect/rule_search.h"

#include <algorithm>

#include "dataplane/inspect/validator.h"
#include "rules/bounds.h"

namespace sluice::inspect {
namespace {

// Starts that are tried on one view: it must hold the bytes before, and a widest match and a byte behind.
constexpr std::uint32_t kBlockStarts = Content::kViewBytes - rules::kMaxMatchBytes - rules::kContextBytes - 1;

}  // namespace

bool RuleSearch::run(const Anchors& anchors, std::uint32_t position, bool open) {
  const std::uint32_t length = content_.length();
  if (anchors.whole(position)) return search(from_, length);
  // From here on, matches may show their anchor only in bytes to come: no range may make us pass over a start.
  const std::uint32_t tail = open ? first_start_before(length - std::min(length, rule_.reach - 1), length) : length;
  for (std::uint32_t at = anchors.first_range(position); at != Anchors::kNone;) {
    const Anchors::Range& range = anchors.range(at);
    if (range.first >= tail) break;
    if (!search(first_start_before(range.first, range.first_end), range.last)) return false;
    at = range.next;
  }
  return !open || search(tail, length);
}

// The first start, not before `first`, from which every byte up to `end` can be part of a match.
std::uint32_t RuleSearch::first_start_before(std::uint32_t first, std::uint32_t end) {
  first = std::max(first, from_);
  if (first >= end) return first;
  const Bytes text = content_.view(first, end);
  std::size_t at = text.size();
  while (at > 0 && rule_.automaton.may_contain(text[at - 1])) --at;
  return first + static_cast<std::uint32_t>(at);
}

bool RuleSearch::search(std::uint32_t first, std::uint32_t last_start) {
  from_ = std::max(from_, first);
  last_start = std::min(last_start, content_.length() - 1);
  while (from_ <= last_start) {
    if (!search_block(std::min(last_start, from_ + kBlockStarts - 1))) return false;
  }
  return true;
}

// Decides the starts from_ .. last_start and moves from_ behind them, or behind the last match.
bool RuleSearch::search_block(std::uint32_t last_start) {
  const std::uint32_t begin = from_ - std::min(from_, rules::kContextBytes);
  const std::uint32_t end = std::min(content_.length(), last_start + rule_.automaton.max_width() + 1);
  // A view that is cut short is long enough: no run from these starts comes to its end.
  const bool complete = last_ && end == content_.length();
  const Bytes text = content_.view(begin, end);
  const std::size_t stop = last_start + 1 - begin;
  std::size_t start = from_ - begin;
  while ((start = rule_.automaton.find_start(text, start, stop)) < stop) {
    if (!rule_.automaton.ends_from(text, start, complete, ends_)) {
      from_ = begin + static_cast<std::uint32_t>(start);
      return false;
    }
    keep_valid(rule_.validator, text, static_cast<std::uint32_t>(start), ends_);
    if (ends_.empty()) {
      ++start;
      continue;
    }
    matches_.push_back({rule_.index, base_ + begin + start, base_ + begin + ends_.back()});
    start = ends_.back();
  }
  from_ = begin + static_cast<std::uint32_t>(start);
  return true;
}

}  // namespace sluice::inspect
