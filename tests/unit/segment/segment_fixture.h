// Builds segments in memory for the tests: whole, open or sealed, with records that a test can name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schema/session_log_generated.h"
#include "segment/crc32c.h"
#include "segment/footer.h"
#include "segment/layout.h"

namespace sluice::segment::test {

inline std::vector<std::uint8_t> record_bytes(std::uint64_t sequence, SessionId session, const std::string& body,
                                              WallNs wall = 1000) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(body.data()), body.size());
  const auto slice = schema::log::CreateSlice(builder, 1, schema::log::Direction::response, 0, false, bytes);
  const auto service = builder.CreateString("orders");
  const auto record_class = builder.CreateString("routine");
  const auto principal = builder.CreateString("ci");
  builder.FinishSizePrefixed(schema::log::CreateRecord(builder, sequence, session, 0, wall, service, record_class,
                                                       principal, false, schema::log::Body::Slice, slice.Union()));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

class SegmentBuilder {
 public:
  static constexpr std::uint64_t kSegmentId = 0x1122334455667788;

  SegmentBuilder() {
    bytes_.resize(kHeaderBytes);
    SegmentHeader header;
    header.segment_id = kSegmentId;
    header.sequence = 42;
    header.period = 20261120;
    header.service = "orders";
    header.record_class = "routine";
    encode_header(header, bytes_);
  }

  // Appends a block of these records; `acknowledged` as its header says, by default all before it.
  SegmentBuilder& block(const std::vector<std::vector<std::uint8_t>>& records, std::int64_t acknowledged = -1) {
    std::vector<std::uint8_t> payload;
    for (const auto& record : records) payload.insert(payload.end(), record.begin(), record.end());
    return raw_block(payload, static_cast<std::uint32_t>(records.size()), acknowledged);
  }

  SegmentBuilder& raw_block(const std::vector<std::uint8_t>& payload, std::uint32_t records,
                            std::int64_t acknowledged = -1) {
    BlockHeader header;
    header.payload_crc = crc32c(payload);
    header.segment_id = kSegmentId;
    header.number = rows_.size();
    header.acknowledged_blocks = acknowledged < 0 ? header.number : static_cast<std::uint64_t>(acknowledged);
    header.stored_bytes = header.payload_bytes = static_cast<std::uint32_t>(payload.size());
    header.records = records;
    header.first_wall = header.last_wall = 1000;
    const std::size_t at = bytes_.size();
    rows_.push_back({at, header.stored_bytes, records, 1000, 1000});
    bytes_.resize(at + header.span_bytes());
    encode_block_header(header, MutableBytes(bytes_).subspan(at, kBlockHeaderBytes));
    std::copy(payload.begin(), payload.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at + kBlockHeaderBytes));
    return *this;
  }

  SegmentBuilder& seal(const std::vector<SessionRow>& sessions = {}) {
    Footer footer;
    footer.blocks = rows_;
    footer.sessions = sessions;
    footer.first_wall = footer.last_wall = 1000;
    for (const BlockRow& row : rows_) footer.records += row.records;
    const AlignedBuffer seal = seal_bytes(footer, kSegmentId, bytes_.size());
    bytes_.insert(bytes_.end(), seal.data(), seal.data() + seal.size());
    return *this;
  }

  [[nodiscard]] std::uint64_t block_offset(std::size_t index) const { return rows_.at(index).offset; }
  [[nodiscard]] const BlockRow& row(std::size_t index) const { return rows_.at(index); }
  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<BlockRow> rows_;
};

}  // namespace sluice::segment::test
