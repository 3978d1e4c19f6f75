// See open_segments.h.
#include "dataplane/record/open_segments.h"

#include <algorithm>

#include "common/assert.h"
#include "segment/aligned_buffer.h"

namespace sluice::record {

OpenSegments::OpenSegments(Disk& disk, SegmentLimits limits, WallNs run, std::uint32_t workers, Random random)
    : disk_(disk), limits_(limits), run_(run), workers_(workers), random_(random), next_sequence_(run / kMicrosecond) {
  SLUICE_ASSERT(limits.open_segments > 0);
}

OpenSegment* OpenSegments::find(std::string_view service, std::string_view record_class, WallNs wall) {
  for (auto at = open_.begin(); at != open_.end(); ++at) {
    if (!(*at)->takes(service, record_class, wall)) continue;
    if (at != open_.begin()) open_.splice(open_.begin(), open_, at);
    return open_.front().get();
  }
  return nullptr;
}

OpenSegment* OpenSegments::next_victim() const {
  return open_.size() < limits_.open_segments ? nullptr : open_.back().get();
}

Result<OpenSegment*> OpenSegments::open(std::string_view service, std::string_view record_class, WallNs wall,
                                        WallNs now) {
  auto segment = std::make_unique<OpenSegment>();
  segment->day_begin = wall / kDay * kDay;
  segment::SegmentHeader& header = segment->header;
  header.workers = workers_;
  header.segment_id = random_.next();
  header.run = run_;
  header.created = now;
  header.period = segment::period_of(wall);
  header.service = service.substr(0, segment::kMaxNameBytes);
  header.record_class = record_class.substr(0, segment::kMaxNameBytes);
  segment::AlignedBuffer page(segment::kHeaderBytes);
  for (;;) {
    header.sequence = next_sequence_++;
    segment::encode_header(header, page.bytes());
    segment->path = segment::segment_path(service, record_class, header.period, header.sequence);
    const auto file = disk_.create(segment->path, page.bytes());
    if (file) {
      segment->file = *file;
      break;
    }
    if (file.error().code != ErrorCode::conflict) return std::unexpected(file.error());
  }
  if (OpenSegment* victim = next_victim()) close(*victim);
  open_.push_front(std::move(segment));
  return open_.front().get();
}

bool OpenSegments::is_full(const OpenSegment& segment, std::size_t block_bytes) const {
  if (segment.next_block == 0) return false;
  return segment.next_offset + block_bytes > limits_.segment_bytes || segment.index.sessions() >= limits_.sessions ||
         segment.index.blocks() >= limits_.blocks;
}

void OpenSegments::close(OpenSegment& segment) {
  SLUICE_ASSERT(!segment.block.in_use());
  const auto at = std::ranges::find(open_, &segment, &std::unique_ptr<OpenSegment>::get);
  SLUICE_ASSERT(at != open_.end());
  closing_.push_back(std::move(*at));
  open_.erase(at);
}

}  // namespace sluice::record
