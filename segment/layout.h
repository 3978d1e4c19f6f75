// Every byte of a segment that is not a record: header, block header, footer, trailer, names.
// docs/formats/segment.md is the contract; encode and decode here are its only readers and writers.
// Decoding takes hostile bytes: it bounds and checks everything before it believes anything.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "common/unit.h"

namespace sluice::segment {

inline constexpr std::size_t kAlign = 4096;
inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::size_t kBlockHeaderBytes = 128;
inline constexpr std::size_t kTrailerBytes = 4096;
inline constexpr std::size_t kMaxNameBytes = 1024;
inline constexpr std::size_t kMaxPayloadBytes = 16 * 1024 * 1024;  // of one block
inline constexpr std::size_t kMaxRecordBytes = 256 * 1024;         // with its size prefix
inline constexpr std::size_t kRecordAlign = 8;
inline constexpr std::uint16_t kFormatVersion = 1;

constexpr std::uint64_t align_up(std::uint64_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

enum class Codec : std::uint8_t { none = 0 };
enum class BlockKind : std::uint8_t { records = 0, footer = 1 };
using KeyId = std::array<std::uint8_t, 16>;
using ChainHash = std::array<std::uint8_t, 32>;

struct SegmentHeader {
  Codec codec = Codec::none;
  std::uint32_t workers = 0;
  KeyId key_id{};
  ChainHash chain_seed{};
  std::uint64_t segment_id = 0;
  std::uint64_t sequence = 0;
  WallNs run = 0;  // the writer's start; (run, worker, record sequence) names a record for good
  WallNs created = 0;
  std::uint32_t period = 0;  // yyyymmdd
  std::string service;
  std::string record_class;
  bool operator==(const SegmentHeader&) const = default;
};

struct BlockHeader {
  std::uint32_t payload_crc = 0;
  std::uint64_t segment_id = 0;
  std::uint64_t number = 0;               // of the block in its segment
  std::uint64_t acknowledged_blocks = 0;  // on disk for certain when this block was written
  std::uint32_t stored_bytes = 0;
  std::uint32_t payload_bytes = 0;
  std::uint32_t records = 0;
  BlockKind kind = BlockKind::records;
  Codec codec = Codec::none;
  WallNs first_wall = 0;
  WallNs last_wall = 0;
  KeyId key_id{};
  ChainHash chain{};
  bool operator==(const BlockHeader&) const = default;

  // What the block takes in the file.
  [[nodiscard]] std::uint64_t span_bytes() const { return align_up(kBlockHeaderBytes + stored_bytes); }
};

struct BlockRow {
  std::uint64_t offset = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t records = 0;
  WallNs first_wall = 0;
  WallNs last_wall = 0;
  bool operator==(const BlockRow&) const = default;
};

struct SessionRow {
  SessionId session = 0;
  WallNs first_wall = 0;
  WallNs last_wall = 0;
  std::uint32_t first_block = 0;  // its number
  std::uint32_t records = 0;
  bool operator==(const SessionRow&) const = default;
};

struct Footer {
  std::uint64_t records = 0;
  WallNs first_wall = 0;
  WallNs last_wall = 0;
  std::vector<BlockRow> blocks;      // in order
  std::vector<SessionRow> sessions;  // by id
  bool operator==(const Footer&) const = default;
};

struct Trailer {
  std::uint64_t footer_offset = 0;
  std::uint64_t segment_id = 0;
};

// `out` is kHeaderBytes long; names longer than kMaxNameBytes are cut.
void encode_header(const SegmentHeader& header, MutableBytes out);
Result<SegmentHeader> decode_header(Bytes in);

// `out` is kBlockHeaderBytes long. Decoding checks the CRC of the header, not of the payload.
void encode_block_header(const BlockHeader& header, MutableBytes out);
ErrorCode decode_block_header(Bytes in, BlockHeader& header);

std::uint64_t footer_payload_bytes(const Footer& footer);
void encode_footer(const Footer& footer, MutableBytes out);
Result<Footer> decode_footer(Bytes payload);

// `out` is kTrailerBytes long.
void encode_trailer(const Trailer& trailer, MutableBytes out);
ErrorCode decode_trailer(Bytes in, Trailer& trailer);

// The UTC day as the number yyyymmdd.
std::uint32_t period_of(WallNs wall);
// A service's or class's name as a folder's name.
std::string path_name(std::string_view name);
// "<service>/<class>/<period>/<sequence>.seg", below the archive's directory.
std::string segment_path(std::string_view service, std::string_view record_class, std::uint32_t period,
                         std::uint64_t sequence);

}  // namespace sluice::segment
