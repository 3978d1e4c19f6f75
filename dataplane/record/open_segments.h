// The segments that are being written, one for each service, class and day; bounded, the least recently
// used one is closed first. A closed segment waits in closing() until its blocks are on disk and its footer is.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/random.h"
#include "common/time.h"
#include "dataplane/record/block.h"
#include "dataplane/record/disk.h"
#include "segment/footer.h"
#include "segment/layout.h"

namespace sluice::record {

inline constexpr WallNs kDay = 86'400 * kSecond;

struct OpenSegment {
  segment::SegmentHeader header;
  std::string path;
  FileId file = 0;
  WallNs day_begin = 0;
  std::uint64_t next_offset = segment::kHeaderBytes;
  std::uint64_t next_block = 0;      // the number of the block that fills, or of the next one
  std::uint64_t durable_blocks = 0;  // on disk for certain
  std::uint64_t reserved_end = 0;    // allocated ahead up to here
  Block block;                       // the one that fills, if any
  segment::FooterIndex index;
  bool seal_queued = false;

  [[nodiscard]] bool takes(std::string_view service, std::string_view record_class, WallNs wall) const {
    return wall - day_begin < kDay && header.service == service && header.record_class == record_class;
  }
};

struct SegmentLimits {
  std::uint64_t segment_bytes = 0;
  std::size_t open_segments = 64;
  std::size_t sessions = 32'768;  // these two bound the footer
  std::size_t blocks = 131'072;
};

class OpenSegments {
 public:
  OpenSegments(Disk& disk, SegmentLimits limits, WallNs run, std::uint32_t workers, Random random);

  // The open segment for such a record, or nullptr. What it returns is the most recently used one.
  OpenSegment* find(std::string_view service, std::string_view record_class, WallNs wall);
  // Makes one, and closes another where there are too many.
  Result<OpenSegment*> open(std::string_view service, std::string_view record_class, WallNs wall, WallNs now);
  [[nodiscard]] bool is_full(const OpenSegment& segment, std::size_t block_bytes) const;

  // Moves it to closing(). Its block must not be filling.
  void close(OpenSegment& segment);
  template <class Predicate>
  void close_if(Predicate&& predicate) {
    for (auto at = open_.begin(); at != open_.end();) {
      OpenSegment& segment = **at++;
      if (!segment.block.in_use() && predicate(segment)) close(segment);
    }
  }

  [[nodiscard]] std::size_t size() const { return open_.size(); }
  [[nodiscard]] std::vector<std::unique_ptr<OpenSegment>>& closing() { return closing_; }
  [[nodiscard]] bool any_closing() const { return !closing_.empty(); }
  // The segment that open() would close now, so that its block can be closed before; nullptr while there is room.
  [[nodiscard]] OpenSegment* next_victim() const;

 private:
  Disk& disk_;
  SegmentLimits limits_;
  WallNs run_;
  std::uint32_t workers_;
  Random random_;
  std::uint64_t next_sequence_;
  std::list<std::unique_ptr<OpenSegment>> open_;  // most recently used first
  std::vector<std::unique_ptr<OpenSegment>> closing_;
};

}  // namespace sluice::record
