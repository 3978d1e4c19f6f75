// See lanes.h, and what of rules/automaton.h finds lanes, runs, and follows lanes.
#include "rules/lanes.h"

#include <algorithm>
#include <span>
#include <utility>

#include "rules/automaton.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kShortestLane = 32;
// So many bytes of a lane must lie ahead, or the look at it is not worth it.
constexpr std::size_t kWorthIt = 16;

}  // namespace

// Of each state, which classes of bytes lead to one state without an end, and to which: those of most bytes. kDead
// where all lead to an end or nowhere. One look at each entry of the table, whatever the expression.
class Automaton::WidestWays {
 public:
  struct Way {
    ByteSet classes;
    std::uint32_t to = kDead;
  };

  explicit WidestWays(const Automaton& automaton)
      : automaton_(automaton),
        stride_(automaton.open_class_ + 1),
        bytes_of_class_(automaton.end_class_),
        bytes_to_(automaton.table_.size() / stride_) {
    for (const std::uint8_t c : automaton.class_of_) ++bytes_of_class_[c];
    ways_.reserve(bytes_to_.size());
    for (std::uint32_t row = 0; row < automaton.table_.size(); row += stride_) ways_.push_back(widest(row));
  }
  [[nodiscard]] const Way& of(std::uint32_t row) const { return ways_[row / stride_]; }

 private:
  [[nodiscard]] bool leads_on(std::uint32_t entry) const { return (entry & kEndsHere) == 0 && entry != kDead; }

  [[nodiscard]] Way widest(std::uint32_t row) {
    const std::span entries = std::span(automaton_.table_).subspan(row, automaton_.end_class_);
    for (std::uint32_t c = 0; c < entries.size(); ++c)
      if (leads_on(entries[c])) bytes_to_[entries[c] / stride_] += bytes_of_class_[c];
    Way way;
    std::uint32_t most = 0;
    for (const std::uint32_t entry : entries)
      if (leads_on(entry) && bytes_to_[entry / stride_] > most) most = bytes_to_[entry / stride_], way.to = entry;
    for (std::uint32_t c = 0; c < entries.size(); ++c) {
      if (!leads_on(entries[c])) continue;
      way.classes[c] = entries[c] == way.to;
      bytes_to_[entries[c] / stride_] = 0;
    }
    return way;
  }

  const Automaton& automaton_;
  std::uint32_t stride_;
  std::vector<std::uint32_t> bytes_of_class_;
  std::vector<std::uint32_t> bytes_to_;  // each row, from the one at hand
  std::vector<Way> ways_;
};

// The table is whole. A state is in one lane: the first that comes by. Work for each entry of the table, and
// kShortestLane more for each state.
void Automaton::find_lanes() {
  if (max_width_ <= kShortestLane) return;
  const std::uint32_t stride = open_class_ + 1;
  const WidestWays ways(*this);
  std::vector<bool> taken(table_.size() / stride);
  for (std::uint32_t first = stride; first < table_.size() && lanes_.size() < kMaxLanes; first += stride) {
    if (taken[first / stride]) continue;
    const ByteSet& classes = ways.of(first).classes;
    if (classes.none()) continue;
    Lane lane;
    // Where more bytes lead on together, a wider lane begins.
    std::uint32_t row = first;
    do {
      lane.states.push_back(row);
      row = ways.of(row).to;
    } while (row != kDead && !taken[row / stride] && ways.of(row).classes == classes);
    if (row != kDead) lane.states.push_back(row);
    if (lane.states.size() <= kShortestLane) continue;
    ByteSet bytes;
    for (unsigned byte = 0; byte < 256; ++byte) bytes[byte] = classes[class_of_[byte]];
    lane.bytes = ByteSpan(bytes);
    for (auto state = lane.states.begin(); state + 1 != lane.states.end(); ++state) taken[*state / stride] = true;
    lanes_.push_back(std::move(lane));
  }
  std::vector<bool> worth_it(taken.size());
  for (std::uint32_t index = 0; index < lanes_.size(); ++index) {
    const std::vector<std::uint32_t>& states = lanes_[index].states;
    for (std::uint32_t place = 0; place + kWorthIt < states.size(); ++place) {
      worth_it[states[place] / stride] = true;
      table_[states[place] + open_class_] = kOpen | index << kLaneShift | place;
    }
  }
  for (std::uint32_t row = 0; row < table_.size() && !lanes_.empty(); row += stride)
    for (std::uint32_t c = 0; c < end_class_; ++c)
      if (std::uint32_t& entry = table_[row + c]; worth_it[(entry & ~kEndsHere) / stride]) entry |= kInLane;
}

inline std::size_t RunRoom::count(const Lane& lane, Bytes text, std::size_t at, std::size_t most) {
  const std::size_t place = begin_ + at;
  if (lane_ != &lane || place < from_ || place > to_) {
    lane_ = &lane;
    from_ = to_ = place;
  }
  const std::size_t known = to_ - place;
  if (known >= most) return most;
  const std::size_t more = lane.bytes.at_begin(text.subspan(at + known), most - known);
  to_ += more;
  lookups += ByteSpan::looks(more);
  return known + more;
}

inline std::size_t Automaton::follow_lane(Bytes text, std::size_t at, std::uint32_t& state, RunRoom& room) const {
  const std::uint32_t way = table_[state + open_class_] & ~kOpen;
  const Lane& lane = lanes_[way >> kLaneShift];
  const std::size_t place = way % (1U << kLaneShift);
  const std::size_t count = room.count(lane, text, at, std::min(lane.states.size() - 1 - place, text.size() - at));
  state = lane.states[place + count];
  return count;
}

template <class OnEnd>
inline bool Automaton::walk(Bytes text, std::size_t start, bool complete, std::uint32_t state, RunRoom& room,
                            OnEnd&& on_end) const {
  const std::uint32_t* const table = table_.data();
  const std::size_t size = text.size();
  std::size_t counted_from = start;  // moves on by the bytes that are not looked up
  for (std::size_t at = start; at < size; ++at) {
    const std::uint32_t entry = table[state + class_of_[text[at]]];
    state = entry & kRow;
    static_assert(kDead == 0);
    if (entry - 1 < kRow) continue;  // it goes on, and that is all
    if ((entry & kEndsHere) != 0) on_end(static_cast<std::uint32_t>(at));
    if (state == kDead) {
      room.lookups += at + 1 - counted_from;
      return true;
    }
    if ((entry & kInLane) != 0) {
      const std::size_t count = follow_lane(text, at + 1, state, room);
      at += count;
      counted_from += count;
    }
  }
  room.lookups += size - counted_from;
  const std::uint32_t entry = table[state + (complete ? end_class_ : open_class_)];
  if ((entry & kOpen) != 0) return false;
  if ((entry & kEndsHere) != 0) on_end(static_cast<std::uint32_t>(size));
  return true;
}

bool Automaton::run(Bytes text, std::size_t start, bool complete, std::uint32_t state, std::vector<std::uint32_t>& ends,
                    RunRoom& room) const {
  ends.clear();
  return walk(text, start, complete, state, room, [&](std::uint32_t end) { ends.push_back(end); });
}

std::uint32_t Automaton::run_longest(Bytes text, std::size_t start, bool complete, std::uint32_t state,
                                     RunRoom& room) const {
  std::uint32_t longest = kNoEnd;
  return walk(text, start, complete, state, room, [&](std::uint32_t end) { longest = end; }) ? longest : kOpenEnd;
}

}  // namespace sluice::rules
