// See reader.h; docs/formats/segment.md, "Reading", says when a bad block is damage and when it is a torn tail.
#include "segment/reader.h"

#include <algorithm>

#include "segment/crc32c.h"
#include "segment/survey.h"

namespace sluice::segment {
namespace {

namespace log = schema::log;

constexpr std::uint32_t kMaxDepth = 8;
constexpr std::uint32_t kMaxTables = 8;  // a record has two
constexpr std::size_t kPrefixBytes = sizeof(flatbuffers::uoffset_t);

// What the verifier leaves open: that the parts which every record has are there.
bool complete(const log::Record& record) {
  if (record.service() == nullptr || record.record_class() == nullptr || record.principal() == nullptr) return false;
  if (record.body_type() == log::Body::NONE || record.body() == nullptr) return false;
  if (const auto* head = record.body_as_UnitHead()) return head->head() != nullptr;
  if (const auto* slice = record.body_as_Slice()) return slice->bytes() != nullptr;
  if (const auto* end = record.body_as_UnitEnd()) {
    const std::size_t hits = end->hits() == nullptr ? 0 : end->hits()->size();
    const std::size_t names = end->rule_names() == nullptr ? 0 : end->rule_names()->size();
    return hits == names;
  }
  return true;
}

// The record at the front of `payload`, or nullptr; its length goes to `bytes`.
const log::Record* record_at(Bytes payload, std::size_t& bytes) {
  if (payload.size() < kPrefixBytes) return nullptr;
  bytes = std::size_t{flatbuffers::ReadScalar<flatbuffers::uoffset_t>(payload.data())} + kPrefixBytes;
  if (bytes > payload.size() || bytes > kMaxRecordBytes || bytes % kRecordAlign != 0) return nullptr;
  flatbuffers::Verifier verifier(payload.data(), bytes, kMaxDepth, kMaxTables);
  if (!log::VerifySizePrefixedRecordBuffer(verifier)) return nullptr;
  const log::Record* record = log::GetSizePrefixedRecord(payload.data());
  return complete(*record) ? record : nullptr;
}

void note_damage(Walk& walk, const Cursor& at, ErrorCode error) {
  ++walk.damage_count;
  if (walk.damages.size() < kMaxDamages) walk.damages.push_back({at.offset, at.block, error});
}

}  // namespace

Reader::Reader(std::unique_ptr<Source> source, SegmentHeader header)
    : source_(std::move(source)), header_(std::move(header)) {}

Result<Reader> Reader::open(const std::string& path) {
  auto source = file_source(path);
  if (!source) return std::unexpected(source.error());
  auto reader = open(std::move(*source));
  if (!reader) {
    Error error = reader.error();
    error.detail = error.detail.empty() ? path : path + ": " + error.detail;
    return std::unexpected(std::move(error));
  }
  return reader;
}

Result<Reader> Reader::open(std::unique_ptr<Source> source) {
  AlignedBuffer page(kHeaderBytes);
  const auto got = source->read_at(0, page.bytes());
  if (!got) return std::unexpected(got.error());
  auto header = decode_header(Bytes(page.bytes()).first(*got));
  if (!header) return std::unexpected(header.error());
  return Reader(std::move(source), std::move(*header));
}

// Loads the block at `offset` into block_. The value says what is wrong with it; header_holds, that its length can be
// trusted.
Result<ErrorCode> Reader::load(std::uint64_t offset, BlockHeader& header, bool& header_holds) {
  header_holds = false;
  if (block_.size() == 0) block_ = AlignedBuffer(kAlign);
  auto got = source_->read_at(offset, block_.bytes().first(kBlockHeaderBytes));
  if (!got) return std::unexpected(got.error());
  const ErrorCode code = decode_block_header(Bytes(block_.bytes()).first(*got), header);
  if (code != ErrorCode::ok) return code;
  if (header.segment_id != header_.segment_id) return ErrorCode::segment_bad_magic;
  header_holds = true;
  const std::size_t bytes = kBlockHeaderBytes + header.stored_bytes;
  const auto size = source_->size();
  if (!size) return std::unexpected(size.error());
  if (*size < offset + header.span_bytes()) return ErrorCode::segment_torn;
  if (block_.size() < bytes) block_ = AlignedBuffer(bytes);
  got = source_->read_at(offset, block_.bytes().first(bytes));
  if (!got) return std::unexpected(got.error());
  if (*got < bytes) return ErrorCode::segment_torn;
  return crc32c(payload_of(header)) == header.payload_crc ? ErrorCode::ok : ErrorCode::segment_bad_checksum;
}

// The same, for the block that the cursor names.
Result<ErrorCode> Reader::load(const Cursor& at, BlockHeader& header, bool& header_holds) {
  auto loaded = load(at.offset, header, header_holds);
  if (loaded && header_holds && header.number != at.block) {
    header_holds = false;
    return ErrorCode::segment_bad_magic;
  }
  return loaded;
}

Bytes Reader::payload_of(const BlockHeader& header) const {
  return Bytes(block_.bytes()).subspan(kBlockHeaderBytes, header.stored_bytes);
}

// False when the callback wants no more.
bool Reader::records_of(const BlockHeader& header, const Cursor& at, const RecordFn& on_record, Walk& walk) {
  Bytes payload = payload_of(header);
  std::uint32_t index = 0;
  while (!payload.empty()) {
    std::size_t bytes = 0;
    const log::Record* record = record_at(payload, bytes);
    if (record == nullptr) break;
    ++walk.records;
    if (on_record && !on_record(*record, {at.offset, at.block, index, payload.first(bytes)})) return false;
    ++index;
    payload = payload.subspan(bytes);
  }
  if (!payload.empty() || index != header.records) note_damage(walk, at, ErrorCode::segment_bad_record);
  return true;
}

Result<bool> Reader::trailer_holds(std::uint64_t footer_offset, std::uint64_t end, std::uint64_t file_bytes) {
  AlignedBuffer page(kTrailerBytes);
  const auto got = source_->read_at(end, page.bytes());
  if (!got) return std::unexpected(got.error());
  Trailer trailer;
  return decode_trailer(Bytes(page.bytes()).first(*got), trailer) == ErrorCode::ok &&
         trailer.footer_offset == footer_offset && trailer.segment_id == header_.segment_id &&
         file_bytes == end + kTrailerBytes;
}

// What follows a bad block: true when the block was acknowledged, so that the walk goes on behind it.
Result<bool> Reader::past_damage(std::unique_ptr<Survey>& survey, const Cursor& at, std::uint64_t known_span,
                                 ErrorCode error, Walk& walk) {
  if (!survey) {
    auto made = Survey::of(*source_, header_.segment_id, at.offset, walk.file_bytes);
    if (!made) return std::unexpected(made.error());
    survey = std::make_unique<Survey>(std::move(*made));
  }
  const auto next = survey->acknowledged_after(at, at.offset + std::max<std::uint64_t>(known_span, kAlign));
  if (!next) {
    walk.tail = survey->only_zeros_from(at.offset) ? Tail::clean : Tail::torn;
    return false;
  }
  note_damage(walk, at, error);
  walk.next = *next;
  return true;
}

Result<Walk> Reader::walk(const Cursor& from, const RecordFn& on_record, const BlockFn& on_block) {
  Walk walk;
  walk.next = from;
  const auto size = source_->size();
  if (!size) return std::unexpected(size.error());
  walk.file_bytes = *size;
  std::unique_ptr<Survey> survey;
  while (walk.next.offset < walk.file_bytes) {
    const Cursor at = walk.next;
    BlockHeader header;
    bool header_holds = false;
    const auto loaded = load(at, header, header_holds);
    if (!loaded) return std::unexpected(loaded.error());
    if (*loaded != ErrorCode::ok) {
      const auto goes_on = past_damage(survey, at, header_holds ? header.span_bytes() : 0, *loaded, walk);
      if (!goes_on) return std::unexpected(goes_on.error());
      if (!*goes_on) return walk;
      continue;
    }
    const std::uint64_t end = at.offset + header.span_bytes();
    if (header.kind == BlockKind::footer) {
      const auto sealed = trailer_holds(at.offset, end, walk.file_bytes);
      if (!sealed) return std::unexpected(sealed.error());
      walk.tail = *sealed ? Tail::sealed : Tail::torn;
      return walk;
    }
    ++walk.blocks;
    if (on_block) on_block(header, at.offset);
    if (!records_of(header, at, on_record, walk)) {
      walk.stopped = true;
      return walk;
    }
    walk.next = {end, at.block + 1};
  }
  return walk;
}

Result<Walk> Reader::follow(const Cursor& from, const RecordFn& on_record) {
  Walk walk;
  walk.next = from;
  walk.tail = Tail::unfinished;
  for (;;) {
    const Cursor at = walk.next;
    BlockHeader header;
    bool header_holds = false;
    const auto loaded = load(at, header, header_holds);
    if (!loaded) return std::unexpected(loaded.error());
    if (*loaded != ErrorCode::ok) return walk;
    if (header.kind == BlockKind::footer) {
      walk.tail = Tail::sealed;
      return walk;
    }
    ++walk.blocks;
    if (!records_of(header, at, on_record, walk)) {
      walk.stopped = true;
      return walk;
    }
    walk.next = {at.offset + header.span_bytes(), at.block + 1};
  }
}

Result<Footer> Reader::footer() {
  const auto size = source_->size();
  if (!size) return std::unexpected(size.error());
  if (*size < kHeaderBytes + kTrailerBytes || *size % kAlign != 0)
    return fail(ErrorCode::segment_torn, "the segment has no footer");
  AlignedBuffer page(kTrailerBytes);
  const auto got = source_->read_at(*size - kTrailerBytes, page.bytes());
  if (!got) return std::unexpected(got.error());
  Trailer trailer;
  if (decode_trailer(Bytes(page.bytes()).first(*got), trailer) != ErrorCode::ok ||
      trailer.segment_id != header_.segment_id || trailer.footer_offset > *size - kTrailerBytes)
    return fail(ErrorCode::segment_torn, "the segment has no footer");
  BlockHeader header;
  bool header_holds = false;
  const auto loaded = load(trailer.footer_offset, header, header_holds);
  if (!loaded) return std::unexpected(loaded.error());
  if (*loaded != ErrorCode::ok) return fail(*loaded, "footer");
  if (header.kind != BlockKind::footer || trailer.footer_offset + header.span_bytes() + kTrailerBytes != *size)
    return fail(ErrorCode::segment_bad_record, "the trailer does not point to the footer");
  auto footer = decode_footer(payload_of(header));
  if (footer && footer->blocks.size() != header.number)
    return fail(ErrorCode::segment_bad_record, "the footer does not list every block");
  return footer;
}

}  // namespace sluice::segment
