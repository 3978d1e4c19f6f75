// Cutting and joining of records.
#include "dataplane/tcp/scoreboard.h"

#include "common/assert.h"

namespace sluice::tcp {

bool SentQueue::grow() {
  if (items_ != inside_) return false;
  std::byte* const block = blocks_.take();
  if (block == nullptr) return false;
  auto* const items = reinterpret_cast<Sent*>(block);
  for (std::size_t i = 0; i < count_; ++i) items[i] = (*this)[i];
  items_ = items;
  first_ = 0;
  mask_ = kMost - 1;
  return true;
}

void SentQueue::release() {
  blocks_.give_back(reinterpret_cast<std::byte*>(items_));
  items_ = inside_;
  mask_ = kInside - 1;
}

void SentQueue::insert(std::size_t index, const Sent& record) {
  SLUICE_ASSERT(has_room());
  ++count_;
  for (std::size_t i = count_ - 1u; i > index; --i) (*this)[i] = (*this)[i - 1];
  (*this)[index] = record;
}

void SentQueue::erase(std::size_t index, std::size_t count) {
  if (count == 0) return;
  for (std::size_t i = index; i + count < count_; ++i) (*this)[i] = (*this)[i + count];
  count_ = static_cast<std::uint16_t>(count_ - count);
  if (count_ == 0) clear();
}

void Scoreboard::set_state(Sent& record, Sent::State state) {
  bytes_in(record.state) -= record.bytes();
  bytes_in(state) += record.bytes();
  record.state = state;
}

std::size_t Scoreboard::find(std::uint32_t seq) const {
  std::size_t low = 0;
  std::size_t high = records_.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (after(records_[middle].end, seq)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

bool Scoreboard::cut(std::size_t index, std::uint32_t seq) {
  if (!records_.reserve()) return false;
  Sent rest = records_[index];
  rest.begin = seq;
  records_[index].end = seq;
  records_.insert(index + 1, rest);
  return true;
}

void Scoreboard::sent_again(std::uint32_t begin, std::uint32_t end, TimeNs now, DurationNs moment) {
  std::size_t first = find(begin);
  if (first == records_.size()) return;
  if (before(records_[first].begin, begin) && cut(first, begin)) ++first;
  std::size_t last = first;
  while (last + 1 < records_.size() && before(records_[last].end, end)) ++last;
  if (before(end, records_[last].end)) cut(last, end);
  for (std::size_t i = first; i <= last; ++i) set_state(records_[i], Sent::State::flying);
  Sent& whole = records_[first];
  whole.end = records_[last].end;
  whole.sent_at = now;
  whole.retransmitted = true;
  records_.erase(first + 1, last - first);
  if (first == 0) return;
  Sent& before_it = records_[first - 1];
  if (before_it.state != Sent::State::flying || !before_it.retransmitted || now - before_it.sent_at > moment) return;
  before_it.end = records_[first].end;
  records_.erase(first, 1);
}

// Around `index`, SACKed neighbours; when they left no longer matters.
void Scoreboard::join_sacked(std::size_t index) {
  std::size_t first = index;
  while (first > 0 && records_[first - 1].state == Sent::State::sacked) --first;
  std::size_t end = first;
  while (end < records_.size() && records_[end].state == Sent::State::sacked) ++end;
  if (end - first < 2) return;
  records_[first].end = records_[end - 1].end;
  records_.erase(first + 1, end - first - 1);
}

void Scoreboard::mark_lost(std::size_t index) {
  set_state(records_[index], Sent::State::lost);
}

void Scoreboard::mark_front_lost(std::uint32_t end) {
  if (records_.empty() || records_.front().state != Sent::State::flying) return;
  if (before(end, records_.front().end)) cut(0, end);
  set_state(records_.front(), Sent::State::lost);
}

void Scoreboard::mark_larger_lost(std::uint32_t bytes) {
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].state == Sent::State::flying && records_[i].bytes() > bytes) mark_lost(i);
}

void Scoreboard::mark_all_lost() {
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].state == Sent::State::flying) mark_lost(i);
}

void Scoreboard::unmark_lost(TimeNs now) {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].state != Sent::State::lost) continue;
    set_state(records_[i], Sent::State::flying);
    records_[i].sent_at = now;
    records_[i].retransmitted = true;  // no measure of a round trip
  }
}

void Scoreboard::clear() {
  records_.clear();
  for (std::uint32_t& bytes : state_bytes_) bytes = 0;
}

void Scoreboard::forget_sacks() {
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].state == Sent::State::sacked) set_state(records_[i], Sent::State::flying);
}

wire::SackBlock Scoreboard::first_lost() const {
  std::size_t first = 0;
  while (records_[first].state != Sent::State::lost) ++first;
  std::size_t last = first;
  while (last + 1 < records_.size() && records_[last + 1].state == Sent::State::lost) ++last;
  return {records_[first].begin, records_[last].end};
}

}  // namespace sluice::tcp
