#include "dataplane/inspect/rule_search.h"

#include <algorithm>
#include <bit>

#include "rules/bounds.h"

namespace sluice::inspect {
namespace {

// Starts that are tried on one view: it must hold the bytes before, and a widest match and the bytes behind.
constexpr std::uint32_t kBlockStarts = Content::kViewBytes - rules::kMaxMatchBytes - kMaxBytesBefore - kMaxBytesBehind;

// So much may be looked up in vain, and so many bytes more for each that is passed. Of what is checked, each start is
// read once more.
constexpr std::uint64_t kFreeLookups = 512;
constexpr std::uint64_t kFreeLookupsByte = 4;
constexpr std::uint64_t kFreeLookupsByteChecked = 1;
// And so much, before what only bytes to come could make a match is left to them untried: each of a thousand starts
// may go on for as long as a match is wide, and be none.
constexpr std::uint64_t kOpenLookups = 4096;

// Anchor ranges that are no farther apart are searched as one.
constexpr std::uint32_t kNear = 8;

}  // namespace

// The first start, not before `first`, from which every byte up to `end` can be part of a match.
inline std::uint32_t RuleSearch::first_start_before(std::uint32_t first, std::uint32_t end) {
  first = std::max(first, from_);
  if (first >= end) return first;
  return end - static_cast<std::uint32_t>(rule_.automaton.contained().at_end(content_.view(first, end)));
}

bool RuleSearch::run(const Anchors& anchors, std::uint32_t position, bool open) {
  const std::uint32_t length = content_.length();
  if (anchors.whole(position)) return search(from_, length);
  // From here on, matches may show their anchor only in bytes to come: no range may make us pass over a start.
  const std::uint32_t tail = open ? first_open() : length;
  for (std::uint32_t at = anchors.first_range(position); at != Anchors::kNone;) {
    Anchors::Range range = anchors.range(at);
    if (range.first >= tail) break;
    for (; range.next != Anchors::kNone; range.next = anchors.range(range.next).next) {
      const Anchors::Range& next = anchors.range(range.next);
      if (next.first > range.last + kNear || next.first >= tail) break;
      range.last = std::max(range.last, next.last);
      range.first_end = std::min(range.first_end, next.first_end);
    }
    if (!search(first_start_before(range.first, range.first_end), range.last)) return false;
    at = range.next;
  }
  return !open || search(tail, length);
}

std::uint32_t RuleSearch::first_open() {
  const std::uint32_t length = content_.length();
  if (has_leads_) return rule_.leads->first_open(content_, from_);
  return first_start_before(length - std::min(length, reach_ - 1), length);
}

bool RuleSearch::search(std::uint32_t first, std::uint32_t last_start) {
  from_ = std::max(from_, first);
  last_start = std::min(last_start, content_.length() - 1);
  while (from_ <= last_start) {
    if (!search_block(std::min(last_start, from_ + kBlockStarts - 1))) return false;
  }
  return true;
}

inline bool RuleSearch::is_futile(std::uint32_t at) const {
  if ((!rule_.starts && !rule_.checked_starts) || at < marked_to_) return false;
  const std::uint64_t free = rule_.checked_starts ? kFreeLookupsByteChecked : kFreeLookupsByte;
  return in_vain_ > kFreeLookups + free * (at - counted_from_);
}

void RuleSearch::mark_starts() {
  const std::uint32_t width = rule_.automaton.max_width();
  const std::uint32_t begin = from_ - std::min(from_, rules::kContextBytes);
  marked_from_ = from_;
  marked_to_ = std::min(content_.length(), from_ + StartRoom::kMost);
  // No match from these starts comes to the end of a view that is cut short.
  const std::uint32_t end = std::min(content_.length(), marked_to_ + width + 1);
  const Bytes text = content_.view(begin, end);
  starts_.open.fill(0);
  if (rule_.starts) {
    starts_.marked.fill(0);
    rule_.starts->mark(text, true, from_ - begin, starts_.marked);
    room_.runs.lookups += text.size();
  } else {
    starts_.marked.fill(~std::uint64_t{0});
  }
  if (rule_.checked_starts) {
    rule_.checked_starts->keep(text, from_ - begin, starts_.marked);
    room_.runs.lookups += text.size();
  }
  // One that goes on behind the content begins no further before its end than a match is wide.
  const std::uint32_t first = end > from_ + width ? end - width - from_ : 0;
  const std::size_t first_word = first / 64;
  if (!last_ && end == content_.length() && first_word < starts_.open.size()) {
    const std::size_t open_from = from_ - begin + 64 * first_word;
    const auto open = std::span(starts_.open).subspan(first_word);
    if (rule_.starts) {
      rule_.starts->mark(text, false, open_from, open);
      room_.runs.lookups += text.size() - open_from;
    } else {
      std::ranges::fill(open, ~std::uint64_t{0});
    }
    starts_.open[first_word] &= ~std::uint64_t{0} << first % 64;
    for (std::size_t word = first_word; word < starts_.open.size(); ++word) {
      starts_.open[word] &= ~starts_.marked[word];
      starts_.marked[word] |= starts_.open[word];
    }
  }
  in_vain_ = 0;
  counted_from_ = marked_to_;
}

// The first start in [from, stop) that may be one; none when it is not before `stop`. Positions are those of the view
// that begins at `begin`.
inline std::size_t RuleSearch::next_start(Bytes text, std::uint32_t begin, std::size_t from, std::size_t stop) {
  if (from < stop && begin + from < marked_to_) {
    from = next_marked(begin, from, stop);
    if (begin + from < marked_to_) return from;
  }
  if (from >= stop) return from;
  const std::size_t start = rule_.automaton.find_start(text, from, stop);
  room_.runs.lookups += start - from;
  return start;
}

// Or where what is marked ends.
std::size_t RuleSearch::next_marked(std::uint32_t begin, std::size_t from, std::size_t stop) const {
  while (from < stop && begin + from < marked_to_) {
    const auto at = static_cast<std::uint32_t>(begin + from - marked_from_);
    const std::uint64_t left = starts_.marked[at / 64] >> at % 64;
    if (left != 0) return from + static_cast<std::size_t>(std::countr_zero(left));
    from = std::min(stop, from + 64 - at % 64);
  }
  return from;
}

// Many before it were tried in vain, and so may this be: it waits. Whatever a start is, it is decided when as many
// bytes have come as a match is wide.
inline bool RuleSearch::is_left_open(std::uint32_t at) const {
  if (in_vain_ <= kOpenLookups || at < marked_from_ || at >= marked_to_) return false;
  const std::uint32_t bit = at - marked_from_;
  return (starts_.open[bit / 64] >> bit % 64 & 1U) != 0;
}

// Decides the starts from_ .. last_start, or until it is in vain, and moves from_ behind them or behind the last match.
bool RuleSearch::search_block(std::uint32_t last_start) {
  if (is_futile(from_)) mark_starts();
  const std::uint32_t begin = from_ - std::min(from_, around_.before);
  const std::uint32_t end = std::min(content_.length(), last_start + rule_.automaton.max_width() + around_.behind);
  // A view that is cut short is long enough: no run from these starts comes to its end.
  const bool complete = last_ && end == content_.length();
  const Bytes text = content_.view(begin, end);
  room_.runs.set_begin(begin);
  const std::size_t stop = last_start + 1 - begin;
  std::size_t start = from_ - begin;
  while ((start = next_start(text, begin, start, stop)) < stop) {
    if (is_left_open(begin + static_cast<std::uint32_t>(start))) {
      from_ = begin + static_cast<std::uint32_t>(start);
      return false;
    }
    const std::uint64_t before = room_.runs.lookups;
    const auto place = static_cast<std::uint32_t>(start);
    const Decision decision =
        plain_ ? decide_plain(rule_, text, place, complete, room_) : decide(rule_, text, place, complete, room_);
    if (decision.outcome == Decision::Outcome::undecided) {
      from_ = begin + static_cast<std::uint32_t>(start);
      return false;
    }
    if (decision.outcome == Decision::Outcome::refused) {
      in_vain_ += room_.runs.lookups - before;
      ++start;
      if (is_futile(begin + static_cast<std::uint32_t>(start))) break;
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
