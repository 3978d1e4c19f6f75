// One block of a segment while it fills: records are copied behind the room for its header, with the
// checksum taken on the way; close() pads it, seal() writes the header just before the block goes to disk.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/assert.h"
#include "common/bytes.h"
#include "common/time.h"
#include "segment/crc32c.h"
#include "segment/layout.h"

namespace sluice::record {

class Block {
 public:
  Block() = default;
  Block(MutableBytes buffer, std::uint64_t segment_id, std::uint64_t number) : buffer_(buffer) {
    header_.segment_id = segment_id;
    header_.number = number;
  }

  [[nodiscard]] bool in_use() const { return !buffer_.empty(); }
  [[nodiscard]] bool fits(std::size_t bytes) const {
    return segment::kBlockHeaderBytes + header_.stored_bytes + bytes <= buffer_.size();
  }
  [[nodiscard]] std::uint64_t number() const { return header_.number; }
  [[nodiscard]] std::uint8_t* buffer() const { return buffer_.data(); }

  void append(Bytes record, WallNs wall) {
    SLUICE_ASSERT(fits(record.size()));
    std::memcpy(buffer_.data() + segment::kBlockHeaderBytes + header_.stored_bytes, record.data(), record.size());
    header_.payload_crc = segment::crc32c(header_.payload_crc, record);
    header_.stored_bytes += static_cast<std::uint32_t>(record.size());
    header_.first_wall = header_.records == 0 ? wall : std::min(header_.first_wall, wall);
    header_.last_wall = std::max(header_.last_wall, wall);
    ++header_.records;
  }

  // Zeros up to the block's span; what the index says of it.
  segment::BlockRow close(std::uint64_t offset) {
    header_.payload_bytes = header_.stored_bytes;
    const std::size_t used = segment::kBlockHeaderBytes + header_.stored_bytes;
    std::ranges::fill(buffer_.subspan(used, header_.span_bytes() - used), std::uint8_t{0});
    return {offset, header_.stored_bytes, header_.records, header_.first_wall, header_.last_wall};
  }
  void seal(std::uint64_t acknowledged_blocks) {
    header_.acknowledged_blocks = acknowledged_blocks;
    segment::encode_block_header(header_, buffer_.first(segment::kBlockHeaderBytes));
  }
  [[nodiscard]] Bytes bytes() const { return buffer_.first(header_.span_bytes()); }

 private:
  MutableBytes buffer_;
  segment::BlockHeader header_;
};

}  // namespace sluice::record
