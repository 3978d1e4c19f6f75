// Reads a segment, sealed or still being written, whole or with a torn tail. Its bytes are not
// trusted: checksums, bounds and the FlatBuffers verifier come before anything is handed on, and
// what is wrong is told as state (tail, damages), not as failure. Result fails only when the file
// cannot be read or is no segment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "schema/session_log_generated.h"
#include "segment/aligned_buffer.h"
#include "segment/layout.h"
#include "segment/source.h"

namespace sluice::segment {

// Where a walk goes on: the place and number of the next block.
struct Cursor {
  std::uint64_t offset = kHeaderBytes;
  std::uint64_t block = 0;
  bool operator==(const Cursor&) const = default;
};

struct Location {
  std::uint64_t block_offset = 0;
  std::uint64_t block = 0;
  std::uint32_t record = 0;  // position in its block
  Bytes raw;                 // the record with its size prefix; valid during the call only
};

enum class Tail : std::uint8_t {
  sealed,      // footer and trailer stand at the end
  clean,       // ends after a whole block; perhaps zeros that were allocated ahead
  torn,        // blocks in flight when the writer died, none of them acknowledged
  unfinished,  // followed only: what comes next is not there yet
};

// A block that was acknowledged and cannot be read any more, or a malformed record.
struct Damage {
  std::uint64_t offset = 0;
  std::uint64_t block = 0;
  ErrorCode error = ErrorCode::ok;
};

struct Walk {
  Cursor next;  // where the good part ends, or the block in which the callback stopped; walk or follow go on from here
  Tail tail = Tail::clean;
  bool stopped = false;  // the callback said so; tail is not judged
  std::uint64_t file_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
  std::uint64_t damage_count = 0;
  std::vector<Damage> damages;  // the first kMaxDamages of them
};
inline constexpr std::size_t kMaxDamages = 64;

// Returns false to stop. What it gets: service, record_class, principal are there; body is there, and so is
// head or bytes in it; rule_names is as long as hits (both may be null). A body type may be one that this build does
// not know.
using RecordFn = std::function<bool(const schema::log::Record&, const Location&)>;
// Before the records of each good block.
using BlockFn = std::function<void(const BlockHeader&, std::uint64_t offset)>;

class Survey;

class Reader {
 public:
  static Result<Reader> open(const std::string& path);
  static Result<Reader> open(std::unique_ptr<Source> source);

  [[nodiscard]] const SegmentHeader& header() const { return header_; }

  // Every record from `from` to the end, and a judgement of the tail. Blocks that are damaged are reported and skipped.
  Result<Walk> walk(const Cursor& from, const RecordFn& on_record, const BlockFn& on_block = nullptr);
  Result<Walk> for_each_record(const RecordFn& on_record) { return walk({}, on_record); }
  // For a segment that is being written: stops at the first block that is not whole yet, without a judgement.
  // Such records may not be acknowledged yet.
  Result<Walk> follow(const Cursor& from, const RecordFn& on_record);

  // The footer of a sealed segment, by its trailer; segment_torn when it has none.
  Result<Footer> footer();

 private:
  Reader(std::unique_ptr<Source> source, SegmentHeader header);
  Result<ErrorCode> load(std::uint64_t offset, BlockHeader& header, bool& header_holds);
  Result<ErrorCode> load(const Cursor& at, BlockHeader& header, bool& header_holds);
  [[nodiscard]] Bytes payload_of(const BlockHeader& header) const;
  bool records_of(const BlockHeader& header, const Cursor& at, const RecordFn& on_record, Walk& walk);
  Result<bool> trailer_holds(std::uint64_t footer_offset, std::uint64_t end, std::uint64_t file_bytes);
  Result<bool> past_damage(std::unique_ptr<Survey>& survey, const Cursor& at, std::uint64_t known_span, ErrorCode error,
                           Walk& walk);

  std::unique_ptr<Source> source_;
  SegmentHeader header_;
  AlignedBuffer block_;  // block header and payload of the block at hand
};

}  // namespace sluice::segment
