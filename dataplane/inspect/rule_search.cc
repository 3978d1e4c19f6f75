#include "dataplane/inspect/rule_search.h"

#include <algorithm>

#include "rules/bounds.h"

namespace sluice::inspect {
namespace {

// Starts that are tried on one view: it must hold the bytes before, and a widest match and the bytes behind.
constexpr std::uint32_t kBlockStarts = Content::kViewBytes - rules::kMaxMatchBytes - kMaxBytesBefore - kMaxBytesBehind;

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
  const Surroundings around = surroundings_of(rule_);
  const std::uint32_t begin = from_ - std::min(from_, around.before);
  const std::uint32_t end = std::min(content_.length(), last_start + rule_.automaton.max_width() + around.behind);
  // A view that is cut short is long enough: no run from these starts comes to its end.
  const bool complete = last_ && end == content_.length();
  const Bytes text = content_.view(begin, end);
  const std::size_t stop = last_start + 1 - begin;
  std::size_t start = from_ - begin;
  while ((start = rule_.automaton.find_start(text, start, stop)) < stop) {
    const Decision decision = decide(rule_, text, static_cast<std::uint32_t>(start), complete, room_);
    if (decision.outcome == Decision::Outcome::undecided) {
      from_ = begin + static_cast<std::uint32_t>(start);
      return false;
    }
    if (decision.outcome == Decision::Outcome::refused) {
      ++start;
      continue;
    }
    const std::uint64_t at = base_ + begin;
    found_.push_back({.match = {rule_.index, at + decision.begin, at + decision.end},
                      .reported = decision.outcome == Decision::Outcome::accepted,
                      .begin = at + start,
                      .end = at + decision.match_end});
    start = decision.match_end;
  }
  from_ = begin + static_cast<std::uint32_t>(start);
  return true;
}

}  // namespace sluice::inspect
