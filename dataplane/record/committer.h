// The writer without its thread and its clock: sorts the records of handed-over pages into the blocks of
// open segments, and commits them in batches. While one batch is being written and synced, the next one fills; so a
// batch is as large as the disk is slow (group commit). Invariants:
//   - one batch is on its way to the disk at a time, and its buffers are kept until it is synced;
//   - durable_through of a lane only moves when every record at or below it is synced;
//   - after an error everything of the batch that may be lost is written again: nothing is given up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "common/random.h"
#include "common/time.h"
#include "dataplane/record/block.h"
#include "dataplane/record/disk.h"
#include "dataplane/record/lane.h"
#include "dataplane/record/open_segments.h"
#include "schema/session_log_generated.h"

namespace sluice::record {

struct CommitterConfig {
  SegmentLimits limits;
  std::size_t block_bytes = 256 * 1024;
  std::size_t reserve_bytes = 8 * 1024 * 1024;  // allocated ahead at a time
  DurationNs retry_after = 200 * kMillisecond;
  DurationNs day_grace = 10 * kSecond;  // a day's segments are closed this long after its end
  WallNs run = 0;
  std::uint64_t seed = 0;  // of the segment ids
};

// One writer, any number of readers.
struct CommitterCounters {
  Counter records;
  Counter bytes;  // of blocks, with headers and padding
  Counter blocks;
  Counter batches;
  Counter syncs;
  Counter segments;
  Counter errors;
};

class Committer {
 public:
  // `memory` holds the block buffers; its parts go to Disk::write.
  Committer(const CommitterConfig& config, Disk& disk, MutableBytes memory, const std::vector<Lane*>& lanes);

  // Takes pages, and moves the batches on as far as it goes without waiting.
  void poll(TimeNs now, WallNs wall);
  void complete(const Completion& completion);
  // From now on: when the lanes are empty, every segment gets its footer.
  void finish() { finishing_ = true; }

  // Nothing to do until a page comes.
  [[nodiscard]] bool idle() const;
  // Finishing, and all is on disk.
  [[nodiscard]] bool finished() const;
  // How long a wait may take at most, should neither a page nor a completion come.
  [[nodiscard]] DurationNs patience(TimeNs now) const;
  // What is wrong with the archive, for people; empty when nothing is.
  [[nodiscard]] const std::string& error() const { return commit_error_.empty() ? open_error_ : commit_error_; }
  [[nodiscard]] const CommitterCounters& counters() const { return counters_; }

 private:
  struct Intake {  // of one lane
    Lane* lane = nullptr;
    Page* page = nullptr;  // partly taken
    std::uint32_t next = 0;
  };
  struct Write {
    OpenSegment* segment = nullptr;
    std::uint64_t offset = 0;
    Block block;                  // a block,
    segment::AlignedBuffer seal;  // or footer and trailer
    bool done = false;
    [[nodiscard]] Bytes bytes() const { return block.in_use() ? block.bytes() : Bytes(seal.bytes()); }
  };
  struct Batch {
    std::vector<Write> writes;
    std::vector<std::uint64_t> through;  // per lane: the last sequence that it holds
  };
  enum class Stage : std::uint8_t { none, writing, syncing, waiting };

  bool take_pages(WallNs wall);
  bool take_page(Intake& intake, std::size_t lane, WallNs wall);
  bool take_record(Bytes bytes, const schema::log::Record& record, WallNs wall);
  OpenSegment* segment_for(const schema::log::Record& record, std::size_t bytes, WallNs wall);
  OpenSegment* open_segment(const schema::log::Record& record, WallNs wall);
  void close_block(OpenSegment& segment);
  void close_segments(WallNs wall);
  void queue_seals();

  void begin_commit();
  void start_writes();
  int prepare(Write& write);
  void start_syncs();
  void end_stage();
  void end_commit();
  void note_error(const OpenSegment& segment, const char* what, int error);

  CommitterConfig config_;
  Disk& disk_;
  std::vector<std::uint8_t*> free_buffers_;
  std::vector<Intake> intakes_;
  OpenSegments segments_;
  OpenSegment* recent_ = nullptr;         // records come in runs
  std::vector<OpenSegment*> filling_in_;  // segments with a block that fills
  Batch filling_;
  Batch committing_;
  std::vector<OpenSegment*> syncs_;  // one for each file of the batch
  Stage stage_ = Stage::none;
  std::size_t in_flight_ = 0;
  bool failed_ = false;  // something of this stage did
  bool finishing_ = false;
  TimeNs now_ = 0;
  TimeNs retry_at_ = 0;   // stage waiting
  TimeNs reopen_at_ = 0;  // a segment could not be created: not before this
  WallNs next_day_check_ = 0;
  std::string commit_error_;
  std::string open_error_;
  CommitterCounters counters_;
};

}  // namespace sluice::record
