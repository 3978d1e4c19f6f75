// See survey.h.
#include "segment/survey.h"

#include <algorithm>

#include "segment/aligned_buffer.h"
#include "segment/layout.h"

namespace sluice::segment {
namespace {

constexpr std::size_t kChunkBytes = 256 * kAlign;

bool all_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

Result<Survey> Survey::of(Source& source, std::uint64_t segment_id, std::uint64_t from, std::uint64_t file_bytes) {
  Survey survey;
  const std::uint64_t chunk_bytes = align_up(std::min<std::uint64_t>(kChunkBytes, file_bytes - from));
  AlignedBuffer chunk(chunk_bytes);
  for (std::uint64_t at = from; at < file_bytes; at += chunk_bytes) {
    const auto got = source.read_at(at, chunk.bytes());
    if (!got) return std::unexpected(got.error());
    for (std::size_t page_at = 0; page_at < *got; page_at += kAlign) {
      const Bytes page = Bytes(chunk.bytes()).subspan(page_at, std::min(kAlign, *got - page_at));
      if (all_zero(page)) continue;
      survey.nonzero_end_ = at + page_at + page.size();
      BlockHeader header;
      if (decode_block_header(page, header) != ErrorCode::ok || header.segment_id != segment_id) continue;
      const std::uint64_t acknowledged =
          header.kind == BlockKind::footer ? header.number : std::min(header.acknowledged_blocks, header.number);
      survey.seen_.push_back({at + page_at, header.number, acknowledged});
    }
    if (*got < chunk_bytes) break;
  }
  for (std::size_t i = survey.seen_.size(); i-- > 1;)
    survey.seen_[i - 1].acknowledged = std::max(survey.seen_[i - 1].acknowledged, survey.seen_[i].acknowledged);
  return survey;
}

std::optional<Cursor> Survey::acknowledged_after(const Cursor& at, std::uint64_t from) const {
  auto next = std::ranges::lower_bound(seen_, from, {}, &Seen::offset);
  while (next != seen_.end() && next->number <= at.block) ++next;
  if (next == seen_.end() || next->acknowledged <= at.block) return std::nullopt;
  return Cursor{next->offset, next->number};
}

}  // namespace sluice::segment
