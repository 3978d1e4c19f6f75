// Hostile segments: as they come, and behind checksums that hold, so that records and footers are reached.
// The first byte chooses; everything that a reader promises about a record is looked at.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "segment/crc32c.h"
#include "segment/footer.h"
#include "segment/reader.h"

namespace {

using namespace sluice;
using namespace sluice::segment;

constexpr std::uint64_t kSegmentId = 99;
volatile std::uint64_t sink = 0;

void touch(const flatbuffers::Vector<std::uint8_t>* bytes) {
  for (const std::uint8_t byte : *bytes) sink = sink + byte;
}

void touch(const schema::log::Record& record) {
  sink = sink + record.service()->size() + record.record_class()->size() + record.principal()->size();
  if (const auto* head = record.body_as_UnitHead()) touch(head->head());
  if (const auto* slice = record.body_as_Slice()) touch(slice->bytes());
  if (const auto* end = record.body_as_UnitEnd(); end != nullptr && end->hits() != nullptr)
    for (flatbuffers::uoffset_t i = 0; i < end->hits()->size(); ++i)
      sink = sink + end->hits()->Get(i)->count() + end->rule_names()->Get(i)->size();
}

void read_all(Bytes bytes) {
  auto reader = Reader::open(memory_source(bytes));
  if (!reader) return;
  const auto take = [](const schema::log::Record& record, const Location&) {
    touch(record);
    return true;
  };
  const auto walked = reader->for_each_record(take);
  if (!walked || walked->next.offset > bytes.size()) std::abort();
  if (walked->damages.size() > kMaxDamages) std::abort();
  const auto followed = reader->follow({}, take);
  // Following stops at the first place that is not whole; it can never see more than a walk.
  if (!followed || followed->records > walked->records) std::abort();
  (void)reader->footer();
}

// A segment of one block with this payload; a footer block with a trailer behind it when `kind` says so.
std::vector<std::uint8_t> wrap(Bytes payload, BlockKind kind, std::uint32_t records) {
  std::vector<std::uint8_t> bytes(kHeaderBytes);
  SegmentHeader segment;
  segment.segment_id = kSegmentId;
  encode_header(segment, bytes);
  BlockHeader block;
  block.kind = kind;
  block.payload_crc = crc32c(payload);
  block.segment_id = kSegmentId;
  block.stored_bytes = block.payload_bytes = static_cast<std::uint32_t>(payload.size());
  block.records = records;
  bytes.resize(kHeaderBytes + block.span_bytes());
  encode_block_header(block, MutableBytes(bytes).subspan(kHeaderBytes, kBlockHeaderBytes));
  if (!payload.empty()) std::memcpy(bytes.data() + kHeaderBytes + kBlockHeaderBytes, payload.data(), payload.size());
  if (kind == BlockKind::footer) {
    const std::size_t at = bytes.size();
    bytes.resize(at + kTrailerBytes);
    encode_trailer({kHeaderBytes, kSegmentId}, MutableBytes(bytes).subspan(at, kTrailerBytes));
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxPayloadBytes) return 0;
  const Bytes rest = Bytes(data, size).subspan(1);
  switch (data[0] % 3) {
    case 0:
      read_all(rest);
      break;
    case 1:
      read_all(wrap(rest, BlockKind::records, data[0] / 3U));
      break;
    default:
      read_all(wrap(rest, BlockKind::footer, 0));
  }
  return 0;
}
