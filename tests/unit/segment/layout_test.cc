// The bytes of the format, its names and its checksum.
#include "segment/layout.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "common/random.h"
#include "segment/crc32c.h"

namespace sluice::segment {
namespace {

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{7});
  return bytes;
}

TEST(Crc32c, of_the_standard_text_is_the_standard_value) {
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283U);
  EXPECT_EQ(crc32c_portable(0, as_bytes("123456789")), 0xe3069283U);
}

TEST(Crc32c, fast_and_portable_agree_however_it_is_cut) {
  const auto bytes = counting(100);
  const std::uint32_t whole = crc32c_portable(0, bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
    EXPECT_EQ(crc32c(crc32c(Bytes(bytes).first(cut)), Bytes(bytes).subspan(cut)), whole) << cut;
}

TEST(Crc32c, fast_and_portable_agree_on_stretches_summed_side_by_side) {
  std::vector<std::uint8_t> bytes(20'000);
  Random random(7);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  for (const std::size_t length : {3071, 3072, 3073, 6143, 6144, 9999, 19'997})
    for (std::size_t begin = 0; begin < 3; ++begin) {
      const Bytes part = Bytes(bytes).subspan(begin, length);
      EXPECT_EQ(crc32c(0x12345678, part), crc32c_portable(0x12345678, part)) << length << " from " << begin;
    }
}

SegmentHeader full_header() {
  SegmentHeader header;
  header.workers = 3;
  header.chain_seed[5] = 9;
  header.segment_id = 0xabcdef;
  header.sequence = 77;
  header.run = 12;
  header.created = 13;
  header.period = 20261120;
  header.service = "orders";
  header.record_class = std::string(kMaxNameBytes, 'c');
  return header;
}

TEST(SegmentHeader, comes_back_as_it_was) {
  std::vector<std::uint8_t> page(kHeaderBytes);
  encode_header(full_header(), page);
  const auto decoded = decode_header(page);
  ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
  EXPECT_EQ(*decoded, full_header());
}

TEST(SegmentHeader, stands_where_the_document_says) {
  std::vector<std::uint8_t> page(kHeaderBytes);
  encode_header(full_header(), page);
  EXPECT_EQ(as_text(Bytes(page).first(8)), "SLUICSEG");
  EXPECT_EQ(page[8], 1);
  EXPECT_EQ(page[12], 3);
  EXPECT_EQ(page[72], 77);
  EXPECT_EQ(as_text(Bytes(page).subspan(128, 6)), "orders");
  EXPECT_EQ(page[1152], 'c');
}

TEST(SegmentHeader, any_flipped_bit_is_found) {
  std::vector<std::uint8_t> page(kHeaderBytes);
  encode_header(full_header(), page);
  for (std::size_t at = 0; at < page.size(); ++at) {
    page[at] ^= 0x10;
    EXPECT_FALSE(decode_header(page).has_value()) << at;
    page[at] ^= 0x10;
  }
}

TEST(SegmentHeader, of_another_version_says_so) {
  std::vector<std::uint8_t> page(kHeaderBytes);
  encode_header(full_header(), page);
  page[8] = 2;
  EXPECT_EQ(decode_header(page).error().code, ErrorCode::segment_bad_version);
}

TEST(BlockHeader, comes_back_and_any_flipped_bit_is_found) {
  BlockHeader header;
  header.payload_crc = 1;
  header.segment_id = 2;
  header.number = 3;
  header.acknowledged_blocks = 2;
  header.stored_bytes = header.payload_bytes = 5000;
  header.records = 6;
  header.first_wall = 7;
  header.last_wall = 8;
  header.chain[31] = 1;
  std::vector<std::uint8_t> bytes(kBlockHeaderBytes);
  encode_block_header(header, bytes);
  BlockHeader decoded;
  ASSERT_EQ(decode_block_header(bytes, decoded), ErrorCode::ok);
  EXPECT_EQ(decoded, header);
  EXPECT_EQ(decoded.span_bytes(), 8192U);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] ^= 1;
    EXPECT_NE(decode_block_header(bytes, decoded), ErrorCode::ok) << at;
    bytes[at] ^= 1;
  }
}

TEST(BlockHeader, with_a_length_beyond_the_bound_is_refused) {
  BlockHeader header;
  header.stored_bytes = header.payload_bytes = kMaxPayloadBytes + 1;
  std::vector<std::uint8_t> bytes(kBlockHeaderBytes);
  encode_block_header(header, bytes);
  EXPECT_EQ(decode_block_header(bytes, header), ErrorCode::segment_bad_record);
}

TEST(Footer, comes_back_and_does_not_believe_its_counts) {
  Footer footer;
  footer.records = 9;
  footer.first_wall = 1;
  footer.last_wall = 5;
  footer.blocks = {{4096, 100, 4, 1, 2}, {8192, 200, 5, 3, 5}};
  footer.sessions = {{11, 1, 5, 0, 9}};
  std::vector<std::uint8_t> bytes(footer_payload_bytes(footer));
  encode_footer(footer, bytes);
  ASSERT_EQ(decode_footer(bytes).value(), footer);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_footer(Bytes(bytes).first(size)).has_value()) << size;
  bytes[3] = 0xff;
  EXPECT_FALSE(decode_footer(bytes).has_value());
}

TEST(Names, become_folders_that_cannot_leave_the_archive) {
  EXPECT_EQ(path_name("orders-2.eu_x"), "orders-2.eu_x");
  EXPECT_EQ(path_name(".."), "%2E.");
  EXPECT_EQ(path_name("a/b"), "a%2Fb");
  EXPECT_EQ(path_name(""), "_");
  EXPECT_EQ(path_name(std::string_view("\0\n", 2)), "%00%0A");
  EXPECT_EQ(path_name("größe"), "gr%C3%B6%C3%9Fe");
  EXPECT_EQ(path_name(std::string(1000, '/')).size(), 200U);
}

TEST(Names, hold_day_and_sequence) {
  const WallNs last_of_february = 1'709'164'800 * kSecond;  // 2024-02-29T00:00:00Z
  EXPECT_EQ(period_of(last_of_february), 20240229U);
  EXPECT_EQ(period_of(last_of_february - 1), 20240228U);
  EXPECT_EQ(period_of(0), 19700101U);
  EXPECT_EQ(segment_path("orders", "routine", 20240229, 17), "orders/routine/20240229/00000000000000000017.seg");
}

}  // namespace
}  // namespace sluice::segment
