#include "dataplane/inspect/scanner.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "common/assert.h"
#include "dataplane/inspect/repeats.h"
#include "dataplane/inspect/rule_search.h"
#include "dataplane/inspect/rule_set.h"
#include "dataplane/inspect/scratch.h"

namespace sluice::inspect {
namespace {

struct AnchorSink {
  const CompiledRules& rules;
  Anchors& anchors;
};

using Offset = unsigned long long;  // NOLINT(google-runtime-int): Hyperscan's

int on_pattern(unsigned id, Offset /*from*/, Offset to, unsigned /*flags*/, void* context) {
  auto& sink = *static_cast<AnchorSink*>(context);
  if (id >= sink.rules.rules.size()) return 1;  // the database is not of these rules
  const rules::Automaton& automaton = sink.rules.rules[id].rule->automaton;
  const auto end = static_cast<std::uint32_t>(to);
  if (end < automaton.min_width()) return 0;
  sink.anchors.add(
      id, {.first = end - std::min(end, automaton.max_width()), .last = end - automaton.min_width(), .first_end = end});
  return 0;
}

int on_literal(unsigned id, Offset /*from*/, Offset to, unsigned /*flags*/, void* context) {
  auto& sink = *static_cast<AnchorSink*>(context);
  if (id >= sink.rules.literal_table.size()) return 1;
  const LiteralSpec& literal = sink.rules.literal_table[id];
  const auto end = static_cast<std::uint32_t>(to);
  if (end < literal.min_reach) return 0;
  sink.anchors.add(
      literal.rule,
      {.first = end - std::min(end, literal.max_reach), .last = end - literal.min_reach, .first_end = end});
  return 0;
}

// By literals and shapes.
void find_in(const CompiledRules& rules, WorkingMemory& memory, const Stretch& stretch) {
  if (!rules.spelled.empty()) rules.spelled.find(memory.content, stretch, memory.anchors);
  if (!rules.shapes.empty()) rules.shapes.find(memory.content, stretch, memory.shapes, memory.anchors);
}

// What repeats itself, and nothing was found in it, is passed over.
void find_in_repeats(const CompiledRules& rules, WorkingMemory& memory) {
  const Content& content = memory.content;
  std::uint32_t at = 0;
  for (auto repeat = find_repeat(content, 0); repeat; repeat = find_repeat(content, repeat->to)) {
    const std::uint32_t repeated = repeat->from - repeat->period;
    if (repeated > at + repeat->period) find_in(rules, memory, {std::exchange(at, repeated), repeated});
    const std::uint64_t found = memory.anchors.found();
    find_in(rules, memory, {at, repeat->from});
    at = memory.anchors.found() == found ? repeat->to : repeat->from;
  }
  if (at < content.length()) find_in(rules, memory, {at, content.length()});
}

bool find_anchors(const CompiledRules& rules, WorkingMemory& memory) {
  memory.anchors.clear();
  Content& content = memory.content;
  AnchorSink sink{rules, memory.anchors};
  const auto scan = [&](const hs_database_t* database, match_event_handler on_match) {
    return database == nullptr || hs_scan_vector(database, content.pieces(), content.lengths(), content.piece_count(),
                                                 0, memory.hyperscan.get(), on_match, &sink) == HS_SUCCESS;
  };
  if (!scan(rules.patterns.get(), on_pattern) || !scan(rules.literals.get(), on_literal)) return false;
  if (may_repeat(content))
    find_in_repeats(rules, memory);
  else
    find_in(rules, memory, {0, content.length()});
  return true;
}

// What one rule found is in order, and so is most of what several did.
void put_in_order(auto begin, auto end, auto less) {
  if (!std::is_sorted(begin, end, less)) std::sort(begin, end, less);
}

// Moves `hold` back until it lies inside none of the matches, and gives those before it to `matches`: the next calls
// find the others again, and whatever overlaps them.
std::uint64_t settle(std::uint64_t hold, std::vector<Found>& found, std::vector<Match>& matches) {
  put_in_order(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.end < b.end; });
  for (auto one = found.rbegin(); one != found.rend() && one->end > hold; ++one) hold = std::min(hold, one->begin);
  const auto known = static_cast<std::ptrdiff_t>(matches.size());
  for (const Found& one : found) {
    if (one.end > hold) break;
    if (one.reported) matches.push_back(one.match);
  }
  put_in_order(matches.begin() + known, matches.end(), [](const Match& a, const Match& b) {
    return std::tie(a.begin, a.end, a.rule) < std::tie(b.begin, b.end, b.rule);
  });
  return hold;
}

// The pieces of a window from a point that only moves forward.
class WindowCursor {
 public:
  explicit WindowCursor(std::span<const Bytes> window) : window_(window) {}

  void skip(std::uint64_t count) {
    while (count > 0) {
      const std::uint64_t here = std::min<std::uint64_t>(count, window_.front().size() - offset_);
      count -= here;
      offset_ += here;
      if (offset_ == window_.front().size()) next_piece();
    }
  }
  // Fills `content` from here, without moving; true when all of the rest is in.
  bool fill(Content& content) const {
    std::size_t offset = offset_;
    for (const Bytes piece : window_) {
      const Bytes rest = piece.subspan(offset);
      if (content.append(rest) < rest.size()) return false;
      offset = 0;
    }
    return true;
  }

 private:
  void next_piece() {
    window_ = window_.subspan(1);
    offset_ = 0;
  }
  std::span<const Bytes> window_;
  std::size_t offset_ = 0;
};

// One section: memory.content holds the bytes before state.hold that are looked at, and what follows it.
ErrorCode scan_section(const CompiledRules& rules, WorkingMemory& memory, ScanState& state, bool last,
                       std::vector<Match>& matches) {
  Content& content = memory.content;
  Anchors& anchors = memory.anchors;
  const std::uint32_t length = content.length();
  const std::uint32_t first = state.bytes_before;
  if (length == first) return ErrorCode::ok;
  if (!find_anchors(rules, memory)) return ErrorCode::scan_failed;
  const std::uint64_t base = state.hold - first;
  memory.found.clear();
  std::uint32_t decided = length;
  const auto search = [&](std::uint32_t position, bool open) {
    RuleSearch rule_search(rules.rules[position], content, memory.decision, memory.starts, last, first, base,
                           memory.found);
    if (!rule_search.run(anchors, position, open)) decided = std::min(decided, rule_search.undecided());
  };
  if (last) {
    for (const std::uint32_t position : anchors.touched()) search(position, false);
  } else {
    rules.tails.find(content, first, memory.tails);
    if (memory.tails.last_byte) decided = length - 1;
    const std::vector<std::uint64_t>& open = memory.tails.open;
    for (const std::uint32_t position : anchors.touched())
      search(position, (open[position / 64] >> position % 64 & 1U) != 0);
    for (std::size_t word = 0; word < rules.tails.words(); ++word)
      for (std::uint64_t left = open[word]; left != 0; left &= left - 1) {
        const auto position = static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
        if (!anchors.touched(position)) search(position, true);
      }
  }
  const std::uint64_t hold = settle(base + decided, memory.found, matches);
  const auto released = static_cast<std::uint32_t>(hold - base);
  if (!last && length - released > kMaxHeldBytes) return ErrorCode::scan_failed;
  if (released > first) {
    const Bytes before = content.view(released - std::min(released, rules.bytes_before), released);
    std::ranges::copy(before, state.before.begin());
    state.bytes_before = static_cast<std::uint8_t>(before.size());
    state.hold = hold;
  }
  return ErrorCode::ok;
}

}  // namespace

ErrorCode Scanner::scan(const RuleSet& rules, Scratch& scratch, ScanState& state, std::span<const Bytes> window,
                        bool last, std::vector<Match>& matches) {
  const CompiledRules& compiled = rules.impl_->compiled;
  WorkingMemory& memory = scratch.impl_->memory;
  SLUICE_ASSERT(memory.anchors.rules() >= compiled.rules.size() &&
                memory.decision.ends.capacity() >= compiled.max_width);
  const std::size_t known = matches.size();
  WindowCursor cursor(window);
  for (bool whole = false; !whole;) {
    memory.content.clear();
    memory.content.append(Bytes(state.before).first(state.bytes_before));
    whole = cursor.fill(memory.content);
    const std::uint64_t held_before = state.hold;
    if (const ErrorCode code = scan_section(compiled, memory, state, last && whole, matches); code != ErrorCode::ok) {
      matches.resize(known);
      return code;
    }
    cursor.skip(state.hold - held_before);
  }
  return ErrorCode::ok;
}

}  // namespace sluice::inspect
