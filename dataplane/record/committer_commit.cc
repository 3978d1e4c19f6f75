// The way of a batch to the disk: write all, sync every file, publish. See committer.h.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/assert.h"
#include "dataplane/record/committer.h"

namespace sluice::record {

void Committer::begin_commit() {
  while (!filling_in_.empty()) close_block(*filling_in_.back());
  std::swap(filling_, committing_);
  filling_.writes.clear();
  filling_.through = committing_.through;
  for (Write& write : committing_.writes)
    if (write.block.in_use()) write.block.seal(write.segment->durable_blocks);
  start_writes();
}

// Starts every write of the batch that is not done: the first time, and again after an error.
void Committer::start_writes() {
  stage_ = Stage::writing;
  failed_ = false;
  for (std::size_t i = 0; i < committing_.writes.size(); ++i) {
    Write& write = committing_.writes[i];
    if (write.done) continue;
    if (const int error = prepare(write); error != 0) {
      note_error(*write.segment, "allocating room in", error);
      continue;
    }
    disk_.write(write.segment->file, write.offset, write.bytes(), i);
    ++in_flight_;
  }
  if (in_flight_ == 0) end_stage();
}

// Room ahead for a block; nothing but the good part before a footer.
int Committer::prepare(Write& write) {
  OpenSegment& segment = *write.segment;
  if (!write.block.in_use()) return disk_.truncate(segment.file, write.offset);
  const std::uint64_t end = write.offset + write.bytes().size();
  if (end <= segment.reserved_end) return 0;
  const std::uint64_t begin = std::max(segment.reserved_end, segment::kHeaderBytes + std::uint64_t{0});
  const std::uint64_t bytes = std::max<std::uint64_t>(end - begin, config_.reserve_bytes);
  int error = disk_.reserve(segment.file, begin, bytes);
  if (error == 0) {
    segment.reserved_end = begin + bytes;
    return 0;
  }
  // Not so much, then: just this block.
  error = disk_.reserve(segment.file, begin, end - begin);
  if (error == 0) segment.reserved_end = end;
  return error;
}

void Committer::complete(const Completion& completion) {
  SLUICE_ASSERT(in_flight_ > 0);
  --in_flight_;
  if (stage_ == Stage::writing) {
    SLUICE_ASSERT(completion.token < committing_.writes.size());
    Write& write = committing_.writes[completion.token];
    write.done = completion.error == 0;
    if (!write.done) note_error(*write.segment, "writing", completion.error);
  } else {
    SLUICE_ASSERT(stage_ == Stage::syncing && completion.token < syncs_.size());
    OpenSegment* segment = syncs_[completion.token];
    counters_.syncs.add();
    if (completion.error != 0) {
      // The kernel may have dropped what it could not write and will not say so twice: write it all again.
      note_error(*segment, "syncing", completion.error);
      for (Write& write : committing_.writes)
        if (write.segment == segment) write.done = false;
    }
  }
  if (in_flight_ == 0) end_stage();
}

void Committer::end_stage() {
  if (failed_) {
    stage_ = Stage::waiting;
    retry_at_ = now_ + config_.retry_after;
  } else if (stage_ == Stage::writing) {
    start_syncs();
  } else {
    end_commit();
  }
}

void Committer::start_syncs() {
  stage_ = Stage::syncing;
  syncs_.clear();
  for (const Write& write : committing_.writes)
    if (std::ranges::find(syncs_, write.segment) == syncs_.end()) syncs_.push_back(write.segment);
  for (std::size_t i = 0; i < syncs_.size(); ++i) {
    disk_.sync(syncs_[i]->file, i);
    ++in_flight_;
  }
}

void Committer::end_commit() {
  std::vector<OpenSegment*> sealed;
  for (Write& write : committing_.writes) {
    counters_.bytes.add(write.bytes().size());
    if (write.block.in_use()) {
      counters_.blocks.add();
      ++write.segment->durable_blocks;
      free_buffers_.push_back(write.block.buffer());
    } else {
      sealed.push_back(write.segment);
    }
  }
  committing_.writes.clear();
  for (OpenSegment* segment : sealed) {
    disk_.close(segment->file);
    std::erase_if(segments_.closing(), [&](const auto& closing) { return closing.get() == segment; });
  }
  for (std::size_t i = 0; i < intakes_.size(); ++i)
    intakes_[i].lane->durable_through.store(committing_.through[i], std::memory_order_release);
  counters_.batches.add();
  commit_error_.clear();
  stage_ = Stage::none;
}

void Committer::note_error(const OpenSegment& segment, const char* what, int error) {
  failed_ = true;
  counters_.errors.add();
  commit_error_ = fmt::format("{} {}: {}; recording waits and tries again", what, segment.path, std::strerror(error));
}

}  // namespace sluice::record
