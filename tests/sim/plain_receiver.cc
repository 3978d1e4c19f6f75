#include "tests/sim/plain_receiver.h"

#include <algorithm>

namespace sluice::sim {

std::optional<PlainAck> PlainReceiver::receive(std::uint64_t offset, const std::string& bytes, TimeNs now) {
  const std::uint64_t end = offset + bytes.size();
  const std::uint64_t next = received_.size();
  if (offset < next) {
    repeated_ = {offset, std::min(end, next)};
    repeated_bytes_ += repeated_->second - offset;
  }
  const bool filled = offset <= next && end > next;
  const bool had_early = !early_.empty();
  if (filled) {
    received_ += bytes.substr(next - offset);
  } else if (offset > next) {
    hold(offset, bytes);
  }
  for (auto run = early_.begin(); run != early_.end() && run->first <= received_.size(); run = early_.erase(run)) {
    const std::uint64_t run_end = run->first + run->second.size();
    if (run_end > received_.size()) received_ += run->second.substr(received_.size() - run->first);
  }
  unacknowledged_ += bytes.size();
  const bool at_once = !filled || had_early || unacknowledged_ >= 2 * config_.segment_bytes;
  if (at_once) return make_ack();
  if (ack_at_ == kNever) ack_at_ = now + config_.ack_delay;
  return std::nullopt;
}

// Behind a hole. Joins what it touches.
void PlainReceiver::hold(std::uint64_t offset, const std::string& bytes) {
  std::uint64_t begin = offset;
  std::string all = bytes;
  for (auto run = early_.begin(); run != early_.end();) {
    const std::uint64_t run_end = run->first + run->second.size();
    const bool apart = run_end < begin || run->first > begin + all.size();
    if (apart) {
      ++run;
      continue;
    }
    const std::uint64_t overlap_begin = std::max(run->first, offset);
    const std::uint64_t overlap_end = std::min<std::uint64_t>(run_end, offset + bytes.size());
    if (overlap_begin < overlap_end) {
      repeated_ = {overlap_begin, overlap_end};
      repeated_bytes_ += overlap_end - overlap_begin;
    }
    if (run->first < begin) {
      all = run->second.substr(0, begin - run->first) + all;
      begin = run->first;
    }
    if (run_end > begin + all.size()) all += run->second.substr(run->second.size() - (run_end - begin - all.size()));
    run = early_.erase(run);
  }
  early_[begin] = all;
  recent_.push_front(offset);
  if (recent_.size() > 16) recent_.pop_back();
  if (config_.reneges_per_mille > 0 && random_.chance(config_.reneges_per_mille, 1000)) early_.clear();
}

PlainAck PlainReceiver::on_timer() {
  return make_ack();
}

PlainAck PlainReceiver::make_ack() {
  PlainAck ack{.ack = received_.size(), .blocks = {}};
  unacknowledged_ = 0;
  ack_at_ = kNever;
  if (!config_.sack) return ack;
  if (repeated_) ack.blocks.push_back(*repeated_);
  repeated_.reset();
  for (const std::uint64_t offset : recent_) {
    auto run = early_.upper_bound(offset);
    if (run == early_.begin()) continue;
    --run;
    const std::pair<std::uint64_t, std::uint64_t> block{run->first, run->first + run->second.size()};
    if (offset >= block.second || ack.blocks.size() >= 4) continue;
    if (std::find(ack.blocks.begin(), ack.blocks.end(), block) == ack.blocks.end()) ack.blocks.push_back(block);
  }
  return ack;
}

}  // namespace sluice::sim
