// See lanes.h, and what of rules/automaton.h finds lanes and follows them.
#include "rules/lanes.h"

#include <algorithm>

#include "rules/automaton.h"

namespace sluice::rules {
namespace {

constexpr std::size_t kAtOnce = 32;
constexpr std::size_t kShortestLane = 32;
// So many bytes of a lane must lie ahead, or the look at it is not worth it.
constexpr std::size_t kWorthIt = 16;

}  // namespace

std::size_t RunRoom::count(const Lane& lane, Bytes text, std::size_t at, std::size_t most) {
  const std::size_t place = begin_ + at;
  if (lane_ != &lane || place < from_ || place > to_) {
    lane_ = &lane;
    from_ = to_ = place;
  }
  const std::size_t known = to_ - place;
  if (known >= most) return most;
  const std::size_t more = lane.bytes.at_begin(text.subspan(at + known, most - known));
  to_ += more;
  lookups += more / kAtOnce;
  return known + more;
}

// What all bytes of these classes lead to without an end, or kDead.
std::uint32_t Automaton::common_next(std::uint32_t row, const ByteSet& classes) const {
  std::uint32_t next = kDead;
  for (std::uint32_t c = 0; c < end_class_; ++c) {
    if (!classes[c]) continue;
    const std::uint32_t entry = table_[row + c];
    if ((entry & kEndsHere) != 0 || entry == kDead || (next != kDead && entry != next)) return kDead;
    next = entry;
  }
  return next;
}

// The classes of most bytes that lead to one state without an end; none where all lead to an end or nowhere.
ByteSet Automaton::widest_way(std::uint32_t row, const std::vector<std::uint32_t>& bytes_of_class) const {
  ByteSet widest;
  std::uint32_t most = 0;
  for (std::uint32_t c = 0; c < end_class_; ++c) {
    const std::uint32_t entry = table_[row + c];
    if ((entry & kEndsHere) != 0 || entry == kDead) continue;
    ByteSet classes;
    std::uint32_t bytes = 0;
    for (std::uint32_t other = c; other < end_class_; ++other) {
      if (table_[row + other] != entry) continue;
      classes.set(other);
      bytes += bytes_of_class[other];
    }
    if (bytes > most) most = bytes, widest = classes;
  }
  return widest;
}

// The table is whole. A state is in one lane: the first that comes by.
void Automaton::find_lanes() {
  if (max_width_ <= kShortestLane) return;
  const std::uint32_t stride = open_class_ + 1;
  std::vector<std::uint32_t> bytes_of_class(end_class_);
  for (const std::uint8_t c : class_of_) ++bytes_of_class[c];
  std::vector<bool> taken(table_.size() / stride);
  for (std::uint32_t first = stride; first < table_.size() && lanes_.size() < kMaxLanes; first += stride) {
    if (taken[first / stride]) continue;
    const ByteSet classes = widest_way(first, bytes_of_class);
    if (classes.none()) continue;
    Lane lane;
    // Where more bytes lead on together, a wider lane begins.
    std::uint32_t row = first;
    do {
      lane.states.push_back(row);
      row = common_next(row, classes);
    } while (row != kDead && !taken[row / stride] && widest_way(row, bytes_of_class) == classes);
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

std::size_t Automaton::follow_lane(Bytes text, std::size_t at, std::uint32_t& state, RunRoom& room) const {
  const std::uint32_t way = table_[state + open_class_] & ~kOpen;
  const Lane& lane = lanes_[way >> kLaneShift];
  const std::size_t place = way % (1U << kLaneShift);
  const std::size_t count = room.count(lane, text, at, std::min(lane.states.size() - 1 - place, text.size() - at));
  state = lane.states[place + count];
  return count;
}

}  // namespace sluice::rules
