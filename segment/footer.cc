// See footer.h.
#include "segment/footer.h"

#include <algorithm>

#include "common/assert.h"
#include "segment/crc32c.h"

namespace sluice::segment {

void FooterIndex::add_block(const BlockRow& row) {
  blocks_.push_back(row);
}

void FooterIndex::add_record(SessionId session, WallNs wall, std::uint64_t block) {
  if (last_ == nullptr || last_->session != session) {
    const auto [place, fresh] = sessions_.try_emplace(session);
    last_ = &place->second;
    if (fresh) *last_ = {session, wall, wall, static_cast<std::uint32_t>(block), 0};
  }
  last_->first_wall = std::min(last_->first_wall, wall);
  last_->last_wall = std::max(last_->last_wall, wall);
  ++last_->records;
}

Footer FooterIndex::footer() const {
  Footer footer;
  footer.blocks = blocks_;
  for (const BlockRow& row : blocks_) {
    footer.first_wall = footer.records == 0 ? row.first_wall : std::min(footer.first_wall, row.first_wall);
    footer.last_wall = std::max(footer.last_wall, row.last_wall);
    footer.records += row.records;
  }
  footer.sessions.reserve(sessions_.size());
  for (const auto& [session, row] : sessions_) footer.sessions.push_back(row);
  std::ranges::sort(footer.sessions, {}, &SessionRow::session);
  return footer;
}

AlignedBuffer seal_bytes(const Footer& footer, std::uint64_t segment_id, std::uint64_t offset) {
  const std::uint64_t payload_bytes = footer_payload_bytes(footer);
  SLUICE_ASSERT(payload_bytes <= kMaxPayloadBytes);
  const std::uint64_t block_bytes = align_up(kBlockHeaderBytes + payload_bytes);
  AlignedBuffer out(block_bytes + kTrailerBytes);
  const MutableBytes payload = out.bytes().subspan(kBlockHeaderBytes, payload_bytes);
  encode_footer(footer, payload);

  BlockHeader header;
  header.kind = BlockKind::footer;
  header.payload_crc = crc32c(payload);
  header.segment_id = segment_id;
  header.number = footer.blocks.size();
  header.acknowledged_blocks = footer.blocks.size();
  header.stored_bytes = static_cast<std::uint32_t>(payload_bytes);
  header.payload_bytes = header.stored_bytes;
  header.first_wall = footer.first_wall;
  header.last_wall = footer.last_wall;
  encode_block_header(header, out.bytes().first(kBlockHeaderBytes));
  encode_trailer({offset, segment_id}, out.bytes().subspan(block_bytes));
  return out;
}

}  // namespace sluice::segment
