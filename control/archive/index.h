// The index of the archive: which sessions there are, and in which blocks of which segments each stands.
// Made of the segments alone, so it can be thrown away and made again; kept up by reading on from where it
// stopped, so that no block is read for it twice. What it says of a block and that it has read the block
// become durable in one transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "common/unit.h"
#include "control/archive/segment_files.h"
#include "control/archive/session_row.h"
#include "control/store/sqlite.h"
#include "segment/reader.h"

namespace sluice::control {

// A stretch of neighbouring blocks that hold records of a session.
struct BlockRun {
  std::string path;  // of the segment
  segment::Cursor first;
  std::uint64_t blocks = 0;
};

struct SessionQuery {
  std::string service;    // empty: all
  std::string principal;  // empty: all
  WallNs since_wall_ns = 0;
  WallNs until_wall_ns = ~WallNs{0} >> 1;
  std::size_t limit = 50;
};

struct IndexStatus {
  std::uint64_t segments = 0;
  std::uint64_t sessions = 0;
  std::uint64_t damages = 0;  // places in segments that cannot be read
};

class Index {
 public:
  using Clock = std::chrono::steady_clock;

  // `path` is the index's own file.
  static Result<std::unique_ptr<Index>> open(const std::string& path, const std::string& archive_root);

  // Reads what is new. False when the deadline came first and there is more.
  Result<bool> refresh(Clock::time_point deadline);

  // Newest first.
  Result<std::vector<SessionRow>> list(const SessionQuery& query);
  Result<SessionRow> find(SessionId id);  // not_found
  // In the order of the records.
  Result<std::vector<BlockRun>> runs(SessionId id);
  Result<IndexStatus> status();

 private:
  struct Segment {
    std::int64_t row = 0;
    segment::Cursor next;
    std::uint64_t segment_id = 0;
    bool done = false;    // sealed and read to its end
    FileStamp read_at;    // the file as it was when it was last read to its end
    bool judged = false;  // at that stamp, its tail was judged
  };
  class Batch;

  Index(Database database, const std::string& archive_root) : database_(std::move(database)), files_(archive_root) {}
  Result<void> load_segments();
  Result<void> start_over();
  Result<void> adopt(const std::string& path);
  Result<bool> read(const std::string& path, Segment& segment, Clock::time_point deadline);
  Result<bool> read_on(segment::Reader& reader, const std::string& path, Segment& segment, bool judge,
                       Clock::time_point deadline);
  Result<void> store(Batch& batch, Segment& segment, const segment::Walk& walk);

  std::mutex refreshing_;  // guards files_ and segments_
  std::mutex mutex_;       // guards database_
  Database database_;
  SegmentFiles files_;
  std::unordered_map<std::string, Segment> segments_;
};

}  // namespace sluice::control
