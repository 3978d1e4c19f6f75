// See committer.h. Taking pages and sorting records; committer_commit.cc has the way to the disk.
#include "dataplane/record/committer.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::record {
namespace {

namespace log = schema::log;

std::string_view view(const flatbuffers::String* text) {
  return {text->c_str(), text->size()};
}

}  // namespace

Committer::Committer(const CommitterConfig& config, Disk& disk, MutableBytes memory, const std::vector<Lane*>& lanes)
    : config_(config),
      disk_(disk),
      segments_(disk, config.limits, config.run, static_cast<std::uint32_t>(lanes.size()), Random(config.seed)) {
  SLUICE_ASSERT(config.block_bytes % segment::kAlign == 0 && config.block_bytes <= segment::kMaxPayloadBytes);
  for (std::size_t at = 0; at + config.block_bytes <= memory.size(); at += config.block_bytes)
    free_buffers_.push_back(memory.data() + at);
  SLUICE_ASSERT(!free_buffers_.empty());
  for (Lane* lane : lanes) intakes_.push_back({lane, nullptr, 0});
  filling_.through.resize(lanes.size());
  committing_.through.resize(lanes.size());
}

void Committer::poll(TimeNs now, WallNs wall) {
  now_ = now;
  if (stage_ == Stage::waiting && now_ >= retry_at_) start_writes();
  for (;;) {
    const bool all_taken = take_pages(wall);
    if (all_taken) close_segments(wall);
    if (stage_ != Stage::none) return;
    queue_seals();
    if (filling_in_.empty() && filling_.writes.empty()) return;
    begin_commit();
  }
}

// True when no page is left; false when the buffers are, or a segment cannot be created.
bool Committer::take_pages(WallNs wall) {
  if (now_ < reopen_at_) return false;
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < intakes_.size(); ++i) {
      Intake& intake = intakes_[i];
      if (intake.page == nullptr && !intake.lane->full.pop(intake.page)) continue;
      if (!take_page(intake, i, wall)) return false;
      more = true;
    }
  }
  return true;
}

bool Committer::take_page(Intake& intake, std::size_t lane, WallNs wall) {
  for (; intake.next < intake.page->count; ++intake.next) {
    const Bytes bytes = intake.page->record(intake.next);
    const log::Record& record = *log::GetSizePrefixedRecord(bytes.data());
    if (!take_record(bytes, record, wall)) return false;
    filling_.through[lane] = record.sequence();
  }
  const bool given_back = intake.lane->free.push(intake.page);
  SLUICE_ASSERT(given_back);
  intake.page = nullptr;
  intake.next = 0;
  return true;
}

bool Committer::take_record(Bytes bytes, const log::Record& record, WallNs wall) {
  OpenSegment* segment = segment_for(record, bytes.size(), wall);
  if (segment == nullptr) return false;
  if (!segment->block.in_use()) {
    if (free_buffers_.empty()) return false;
    segment->block =
        Block({free_buffers_.back(), config_.block_bytes}, segment->header.segment_id, segment->next_block);
    free_buffers_.pop_back();
    filling_in_.push_back(segment);
  }
  segment->block.append(bytes, record.wall_ns());
  segment->index.add_record(record.session(), record.wall_ns(), segment->next_block);
  counters_.records.add();
  return true;
}

// A segment whose block has room for the record, or can be begun; nullptr when there is none now.
OpenSegment* Committer::segment_for(const log::Record& record, std::size_t bytes, WallNs wall) {
  const std::string_view service = view(record.service());
  const std::string_view record_class = view(record.record_class());
  if (recent_ == nullptr || !recent_->takes(service, record_class, record.wall_ns()))
    recent_ = segments_.find(service, record_class, record.wall_ns());
  if (recent_ != nullptr) {
    if (recent_->block.in_use() && !recent_->block.fits(bytes)) close_block(*recent_);
    if (!recent_->block.in_use() && segments_.is_full(*recent_, config_.block_bytes)) {
      segments_.close(*recent_);
      recent_ = nullptr;
    }
  }
  if (recent_ == nullptr) recent_ = open_segment(record, wall);
  return recent_;
}

OpenSegment* Committer::open_segment(const log::Record& record, WallNs wall) {
  if (OpenSegment* victim = segments_.next_victim(); victim != nullptr && victim->block.in_use()) close_block(*victim);
  const auto opened = segments_.open(view(record.service()), view(record.record_class()), record.wall_ns(), wall);
  if (!opened) {
    open_error_ = opened.error().message();
    counters_.errors.add();
    reopen_at_ = now_ + config_.retry_after;
    return nullptr;
  }
  open_error_.clear();
  counters_.segments.add();
  return *opened;
}

// The block gets its place in the file and goes with the batch that fills.
void Committer::close_block(OpenSegment& segment) {
  Block block = std::exchange(segment.block, Block{});
  std::erase(filling_in_, &segment);
  segment.index.add_block(block.close(segment.next_offset));
  filling_.writes.push_back({&segment, segment.next_offset, block, {}, false});
  segment.next_offset += block.bytes().size();
  ++segment.next_block;
}

// Segments of days that are over, and all of them when finishing.
void Committer::close_segments(WallNs wall) {
  if (!finishing_ && wall < next_day_check_) return;
  next_day_check_ = wall + kSecond;
  if (finishing_)
    while (!filling_in_.empty()) close_block(*filling_in_.back());
  segments_.close_if(
      [&](const OpenSegment& segment) { return finishing_ || wall >= segment.day_begin + kDay + config_.day_grace; });
  recent_ = nullptr;
}

// Footers of closed segments all of whose blocks are on disk.
void Committer::queue_seals() {
  for (auto& segment : segments_.closing()) {
    if (segment->seal_queued || segment->durable_blocks != segment->next_block) continue;
    segment->seal_queued = true;
    filling_.writes.push_back(
        {segment.get(),
         segment->next_offset,
         {},
         segment::seal_bytes(segment->index.footer(), segment->header.segment_id, segment->next_offset),
         false});
  }
}

bool Committer::idle() const {
  if (stage_ != Stage::none || !filling_.writes.empty() || !filling_in_.empty() || segments_.any_closing())
    return false;
  return std::ranges::all_of(
      intakes_, [](const Intake& intake) { return intake.page == nullptr && intake.lane->full.size() == 0; });
}

bool Committer::finished() const {
  return finishing_ && idle() && segments_.size() == 0;
}

DurationNs Committer::patience(TimeNs now) const {
  TimeNs until = now + kSecond;
  if (stage_ == Stage::waiting) until = std::min(until, retry_at_);
  if (reopen_at_ > now) until = std::min(until, reopen_at_);
  return until > now ? until - now : 0;
}

}  // namespace sluice::record
