// See layout.h; the offsets are those of docs/formats/segment.md.
#include "segment/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>

#include "common/assert.h"
#include "segment/crc32c.h"

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and so are the loads here");

namespace sluice::segment {
namespace {

constexpr char kHeaderMagic[] = "SLUICSEG";
constexpr char kBlockMagic[] = "SLUICBLK";
constexpr char kTrailerMagic[] = "SLUICEND";
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kPageCrcAt = 4092;
constexpr std::size_t kServiceAt = 128;
constexpr std::size_t kClassAt = 1152;
constexpr std::size_t kFooterHeadBytes = 64;
constexpr std::size_t kRowBytes = 32;
constexpr std::size_t kMaxPathName = 200;

template <class T>
void put(MutableBytes out, std::size_t at, T value) {
  std::memcpy(out.data() + at, &value, sizeof value);
}
template <class T>
T get(Bytes in, std::size_t at) {
  T value{};
  std::memcpy(&value, in.data() + at, sizeof value);
  return value;
}
template <std::size_t N>
void put_array(MutableBytes out, std::size_t at, const std::array<std::uint8_t, N>& value) {
  std::memcpy(out.data() + at, value.data(), N);
}
template <std::size_t N>
std::array<std::uint8_t, N> get_array(Bytes in, std::size_t at) {
  std::array<std::uint8_t, N> value;
  std::memcpy(value.data(), in.data() + at, N);
  return value;
}
bool has_magic(Bytes in, const char* magic) {
  return in.size() >= kMagicBytes && std::memcmp(in.data(), magic, kMagicBytes) == 0;
}
bool page_crc_holds(Bytes in) {
  return get<std::uint32_t>(in, kPageCrcAt) == crc32c(in.first(kPageCrcAt));
}
void put_page_crc(MutableBytes out) {
  put(out, kPageCrcAt, crc32c(out.first(kPageCrcAt)));
}

}  // namespace

void encode_header(const SegmentHeader& header, MutableBytes out) {
  SLUICE_ASSERT(out.size() == kHeaderBytes);
  const auto service = std::string_view(header.service).substr(0, kMaxNameBytes);
  const auto record_class = std::string_view(header.record_class).substr(0, kMaxNameBytes);
  std::ranges::fill(out, std::uint8_t{0});
  std::memcpy(out.data(), kHeaderMagic, kMagicBytes);
  put(out, 8, kFormatVersion);
  put(out, 10, header.codec);
  put(out, 12, header.workers);
  put_array(out, 16, header.key_id);
  put_array(out, 32, header.chain_seed);
  put(out, 64, header.segment_id);
  put(out, 72, header.sequence);
  put(out, 80, header.run);
  put(out, 88, header.created);
  put(out, 96, header.period);
  put(out, 100, static_cast<std::uint16_t>(service.size()));
  put(out, 102, static_cast<std::uint16_t>(record_class.size()));
  std::ranges::copy(as_bytes(service), out.begin() + kServiceAt);
  std::ranges::copy(as_bytes(record_class), out.begin() + kClassAt);
  put_page_crc(out);
}

Result<SegmentHeader> decode_header(Bytes in) {
  if (!has_magic(in, kHeaderMagic)) return fail(ErrorCode::segment_bad_magic);
  if (in.size() < kHeaderBytes) return fail(ErrorCode::segment_torn, "the file ends inside its header");
  const auto version = get<std::uint16_t>(in, 8);
  if (version != kFormatVersion)
    return fail(ErrorCode::segment_bad_version,
                fmt::format("version {}; this build reads {}", version, kFormatVersion));
  if (!page_crc_holds(in)) return fail(ErrorCode::segment_bad_checksum, "header");
  SegmentHeader header;
  header.codec = get<Codec>(in, 10);
  header.workers = get<std::uint32_t>(in, 12);
  header.key_id = get_array<16>(in, 16);
  header.chain_seed = get_array<32>(in, 32);
  header.segment_id = get<std::uint64_t>(in, 64);
  header.sequence = get<std::uint64_t>(in, 72);
  header.run = get<std::uint64_t>(in, 80);
  header.created = get<std::uint64_t>(in, 88);
  header.period = get<std::uint32_t>(in, 96);
  const auto service_bytes = get<std::uint16_t>(in, 100);
  const auto class_bytes = get<std::uint16_t>(in, 102);
  if (service_bytes > kMaxNameBytes || class_bytes > kMaxNameBytes)
    return fail(ErrorCode::segment_bad_record, "a name in the header is longer than 1024 bytes");
  if (header.codec != Codec::none || header.key_id != KeyId{})
    return fail(ErrorCode::segment_bad_version, "codec or key id that this build does not know");
  header.service = as_text(in.subspan(kServiceAt, service_bytes));
  header.record_class = as_text(in.subspan(kClassAt, class_bytes));
  return header;
}

void encode_block_header(const BlockHeader& header, MutableBytes out) {
  SLUICE_ASSERT(out.size() == kBlockHeaderBytes);
  std::ranges::fill(out, std::uint8_t{0});
  std::memcpy(out.data(), kBlockMagic, kMagicBytes);
  put(out, 12, header.payload_crc);
  put(out, 16, header.segment_id);
  put(out, 24, header.number);
  put(out, 32, header.acknowledged_blocks);
  put(out, 40, header.stored_bytes);
  put(out, 44, header.payload_bytes);
  put(out, 48, header.records);
  put(out, 52, header.kind);
  put(out, 53, header.codec);
  put(out, 56, header.first_wall);
  put(out, 64, header.last_wall);
  put_array(out, 72, header.key_id);
  put_array(out, 88, header.chain);
  put(out, 8, crc32c(out.subspan(12)));
}

ErrorCode decode_block_header(Bytes in, BlockHeader& header) {
  if (in.size() < kBlockHeaderBytes) return ErrorCode::segment_torn;
  in = in.first(kBlockHeaderBytes);
  if (!has_magic(in, kBlockMagic)) return ErrorCode::segment_bad_magic;
  if (get<std::uint32_t>(in, 8) != crc32c(in.subspan(12))) return ErrorCode::segment_bad_checksum;
  header.payload_crc = get<std::uint32_t>(in, 12);
  header.segment_id = get<std::uint64_t>(in, 16);
  header.number = get<std::uint64_t>(in, 24);
  header.acknowledged_blocks = get<std::uint64_t>(in, 32);
  header.stored_bytes = get<std::uint32_t>(in, 40);
  header.payload_bytes = get<std::uint32_t>(in, 44);
  header.records = get<std::uint32_t>(in, 48);
  const auto kind = get<std::uint8_t>(in, 52);
  const auto codec = get<std::uint8_t>(in, 53);
  header.first_wall = get<std::uint64_t>(in, 56);
  header.last_wall = get<std::uint64_t>(in, 64);
  header.key_id = get_array<16>(in, 72);
  header.chain = get_array<32>(in, 88);
  if (kind > static_cast<std::uint8_t>(BlockKind::footer) || codec != static_cast<std::uint8_t>(Codec::none) ||
      header.key_id != KeyId{})
    return ErrorCode::segment_bad_version;
  header.kind = static_cast<BlockKind>(kind);
  header.codec = Codec::none;
  if (header.stored_bytes > kMaxPayloadBytes || header.stored_bytes != header.payload_bytes)
    return ErrorCode::segment_bad_record;
  return ErrorCode::ok;
}

std::uint64_t footer_payload_bytes(const Footer& footer) {
  return kFooterHeadBytes + kRowBytes * (footer.blocks.size() + footer.sessions.size());
}

void encode_footer(const Footer& footer, MutableBytes out) {
  SLUICE_ASSERT(out.size() == footer_payload_bytes(footer));
  std::ranges::fill(out.first(kFooterHeadBytes), std::uint8_t{0});
  put(out, 0, static_cast<std::uint32_t>(footer.blocks.size()));
  put(out, 4, static_cast<std::uint32_t>(footer.sessions.size()));
  put(out, 8, footer.records);
  put(out, 16, footer.first_wall);
  put(out, 24, footer.last_wall);
  std::size_t at = kFooterHeadBytes;
  for (const BlockRow& row : footer.blocks) {
    put(out, at, row.offset);
    put(out, at + 8, row.stored_bytes);
    put(out, at + 12, row.records);
    put(out, at + 16, row.first_wall);
    put(out, at + 24, row.last_wall);
    at += kRowBytes;
  }
  for (const SessionRow& row : footer.sessions) {
    put(out, at, row.session);
    put(out, at + 8, row.first_wall);
    put(out, at + 16, row.last_wall);
    put(out, at + 24, row.first_block);
    put(out, at + 28, row.records);
    at += kRowBytes;
  }
}

Result<Footer> decode_footer(Bytes payload) {
  if (payload.size() < kFooterHeadBytes) return fail(ErrorCode::segment_bad_record, "footer is too short");
  const auto blocks = get<std::uint32_t>(payload, 0);
  const auto sessions = get<std::uint32_t>(payload, 4);
  if ((payload.size() - kFooterHeadBytes) / kRowBytes < std::uint64_t{blocks} + sessions)
    return fail(ErrorCode::segment_bad_record, "footer counts more rows than it holds");
  Footer footer;
  footer.records = get<std::uint64_t>(payload, 8);
  footer.first_wall = get<std::uint64_t>(payload, 16);
  footer.last_wall = get<std::uint64_t>(payload, 24);
  footer.blocks.reserve(blocks);
  footer.sessions.reserve(sessions);
  std::size_t at = kFooterHeadBytes;
  for (std::uint32_t i = 0; i < blocks; ++i, at += kRowBytes)
    footer.blocks.push_back({get<std::uint64_t>(payload, at), get<std::uint32_t>(payload, at + 8),
                             get<std::uint32_t>(payload, at + 12), get<std::uint64_t>(payload, at + 16),
                             get<std::uint64_t>(payload, at + 24)});
  for (std::uint32_t i = 0; i < sessions; ++i, at += kRowBytes)
    footer.sessions.push_back({get<std::uint64_t>(payload, at), get<std::uint64_t>(payload, at + 8),
                               get<std::uint64_t>(payload, at + 16), get<std::uint32_t>(payload, at + 24),
                               get<std::uint32_t>(payload, at + 28)});
  return footer;
}

void encode_trailer(const Trailer& trailer, MutableBytes out) {
  SLUICE_ASSERT(out.size() == kTrailerBytes);
  std::ranges::fill(out, std::uint8_t{0});
  std::memcpy(out.data(), kTrailerMagic, kMagicBytes);
  put(out, 8, trailer.footer_offset);
  put(out, 16, trailer.segment_id);
  put_page_crc(out);
}

ErrorCode decode_trailer(Bytes in, Trailer& trailer) {
  if (!has_magic(in, kTrailerMagic)) return ErrorCode::segment_bad_magic;
  if (in.size() < kTrailerBytes) return ErrorCode::segment_torn;
  if (!page_crc_holds(in)) return ErrorCode::segment_bad_checksum;
  trailer.footer_offset = get<std::uint64_t>(in, 8);
  trailer.segment_id = get<std::uint64_t>(in, 16);
  return ErrorCode::ok;
}

std::uint32_t period_of(WallNs wall) {
  const std::chrono::sys_days day{std::chrono::days{wall / (86'400 * kSecond)}};
  const std::chrono::year_month_day date{day};
  return static_cast<std::uint32_t>(int{date.year()}) * 10'000 + unsigned{date.month()} * 100 + unsigned{date.day()};
}

std::string path_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || (c == '.' && !out.empty());
    if (plain)
      out.push_back(c);
    else
      out += fmt::format("%{:02X}", static_cast<std::uint8_t>(c));
    if (out.size() >= kMaxPathName) break;
  }
  out.resize(std::min(out.size(), kMaxPathName));
  return out.empty() ? "_" : out;
}

std::string segment_path(std::string_view service, std::string_view record_class, std::uint32_t period,
                         std::uint64_t sequence) {
  return fmt::format("{}/{}/{:08}/{:020}.seg", path_name(service), path_name(record_class), period, sequence);
}

}  // namespace sluice::segment
