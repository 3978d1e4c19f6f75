// What a reader makes of whole, torn, damaged and hostile segments.
#include "segment/reader.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/segment/segment_fixture.h"

namespace sluice::segment {
namespace {

using test::record_bytes;
using test::SegmentBuilder;

struct Seen {
  std::vector<std::uint64_t> sequences;
  Walk walk;
};

Seen walk(Bytes bytes) {
  auto reader = Reader::open(memory_source(bytes));
  EXPECT_TRUE(reader.has_value()) << reader.error().message();
  Seen seen;
  seen.walk = reader
                  ->for_each_record([&](const schema::log::Record& record, const Location&) {
                    seen.sequences.push_back(record.sequence());
                    return true;
                  })
                  .value();
  return seen;
}

using Sequences = std::vector<std::uint64_t>;

SegmentBuilder three_blocks() {
  SegmentBuilder builder;
  builder.block({record_bytes(1, 7, "one"), record_bytes(2, 7, "two")});
  builder.block({record_bytes(3, 7, std::string(9000, 'x'))});
  builder.block({record_bytes(4, 8, "four")});
  return builder;
}

TEST(Reader, gives_every_record_in_order_with_its_place) {
  auto builder = three_blocks();
  auto reader = Reader::open(memory_source(builder.bytes())).value();
  EXPECT_EQ(reader.header().service, "orders");
  std::vector<std::pair<std::uint64_t, std::uint32_t>> places;
  const Walk result = reader
                          .for_each_record([&](const schema::log::Record& record, const Location& where) {
                            EXPECT_EQ(where.raw.size() % 8, 0U);
                            EXPECT_EQ(record.service()->str(), "orders");
                            places.emplace_back(where.block_offset, where.record);
                            return true;
                          })
                          .value();
  EXPECT_EQ(result.records, 4U);
  EXPECT_EQ(result.blocks, 3U);
  EXPECT_EQ(result.tail, Tail::clean);
  EXPECT_EQ(result.next, (Cursor{builder.bytes().size(), 3}));
  EXPECT_EQ(places, (decltype(places){{4096, 0}, {4096, 1}, {8192, 0}, {builder.block_offset(2), 0}}));
}

TEST(Reader, of_a_sealed_segment_finds_the_footer) {
  auto builder = three_blocks();
  builder.seal({{7, 1000, 1000, 0, 3}, {8, 1000, 1000, 2, 1}});
  EXPECT_EQ(walk(builder.bytes()).walk.tail, Tail::sealed);
  const Footer footer = Reader::open(memory_source(builder.bytes())).value().footer().value();
  ASSERT_EQ(footer.sessions.size(), 2U);
  EXPECT_EQ(footer.sessions[1].session, 8U);
  // From the session's first block straight to its records.
  auto reader = Reader::open(memory_source(builder.bytes())).value();
  const auto first = footer.sessions[1].first_block;
  Sequences got;
  ASSERT_TRUE(reader
                  .walk({footer.blocks[first].offset, first},
                        [&](const schema::log::Record& record, const Location&) {
                          got.push_back(record.sequence());
                          return true;
                        })
                  .has_value());
  EXPECT_EQ(got, (Sequences{4}));
}

TEST(Reader, cut_at_every_length_never_shows_more_than_whole_blocks) {
  auto builder = three_blocks();
  builder.seal();
  const auto& bytes = builder.bytes();
  for (std::size_t size = kHeaderBytes; size < bytes.size(); ++size) {
    const Seen seen = walk(Bytes(bytes).first(size));
    std::size_t whole = 0;
    std::size_t good_end = kHeaderBytes;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t end = align_up(builder.row(i).offset + kBlockHeaderBytes + builder.row(i).stored_bytes);
      if (size < end) break;
      ++whole;
      good_end = end;
    }
    ASSERT_EQ(seen.walk.blocks, whole) << size;
    ASSERT_EQ(seen.walk.damage_count, 0U) << size;
    ASSERT_EQ(seen.walk.next.offset, good_end) << size;
    ASSERT_EQ(seen.walk.tail, size == good_end ? Tail::clean : Tail::torn) << size;
  }
}

TEST(Reader, finds_a_flipped_bit_in_every_byte_of_an_acknowledged_block_and_reads_on) {
  auto builder = three_blocks();
  auto& bytes = builder.bytes();
  const std::size_t begin = builder.block_offset(0);
  const std::size_t end = begin + kBlockHeaderBytes + builder.row(0).stored_bytes;
  for (std::size_t at = begin; at < end; ++at) {
    bytes[at] ^= 0x40;
    const Seen seen = walk(bytes);
    ASSERT_EQ(seen.walk.damage_count, 1U) << at;
    ASSERT_EQ(seen.walk.damages[0].offset, begin) << at;
    ASSERT_EQ(seen.sequences, (Sequences{3, 4})) << at;
    ASSERT_EQ(seen.walk.tail, Tail::clean) << at;
    bytes[at] ^= 0x40;
  }
}

TEST(Reader, takes_a_hole_that_was_never_acknowledged_for_a_torn_tail) {
  SegmentBuilder builder;
  builder.block({record_bytes(1, 7, "one")}, 0);
  builder.block({record_bytes(2, 7, "two")}, 1);
  builder.block({record_bytes(3, 7, "three")}, 1);
  std::fill_n(builder.bytes().begin() + static_cast<std::ptrdiff_t>(builder.block_offset(1)), 4096, std::uint8_t{0});
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.sequences, (Sequences{1}));
  EXPECT_EQ(seen.walk.tail, Tail::torn);
  EXPECT_EQ(seen.walk.next, (Cursor{builder.block_offset(1), 1}));
  EXPECT_EQ(seen.walk.damage_count, 0U);
}

TEST(Reader, takes_the_same_hole_for_damage_when_it_was_acknowledged) {
  auto builder = three_blocks();
  std::fill_n(builder.bytes().begin() + static_cast<std::ptrdiff_t>(builder.block_offset(1)), 4096, std::uint8_t{0});
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.sequences, (Sequences{1, 2, 4}));
  EXPECT_EQ(seen.walk.damage_count, 1U);
}

TEST(Reader, knows_a_damaged_last_block_by_the_footer) {
  auto builder = three_blocks();
  builder.seal();
  builder.bytes()[builder.block_offset(2) + 200] ^= 1;
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.walk.damage_count, 1U);
  EXPECT_EQ(seen.walk.tail, Tail::sealed);
}

TEST(Reader, ends_clean_before_room_that_was_allocated_ahead) {
  auto builder = three_blocks();
  const std::size_t end = builder.bytes().size();
  builder.bytes().resize(end + 3 * 4096 + 17);
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.walk.tail, Tail::clean);
  EXPECT_EQ(seen.walk.next.offset, end);
  builder.bytes().back() = 1;
  EXPECT_EQ(walk(builder.bytes()).walk.tail, Tail::torn);
}

TEST(Reader, never_takes_a_recorded_body_for_a_block) {
  SegmentBuilder inner;
  inner.block({record_bytes(66, 6, "planted")}, 9);
  // A body that holds a block of another segment, at a place where a reader looks for one.
  auto planted = inner.bytes();
  BlockHeader forged;
  ASSERT_EQ(decode_block_header(Bytes(planted).subspan(kHeaderBytes), forged), ErrorCode::ok);
  forged.segment_id ^= 1;
  encode_block_header(forged, MutableBytes(planted).subspan(kHeaderBytes, kBlockHeaderBytes));
  SegmentBuilder builder;
  builder.block({record_bytes(1, 7, "one")});
  const std::size_t at = builder.bytes().size();
  builder.bytes().resize(at + 4096, 0xaa);
  builder.bytes().insert(builder.bytes().end(), planted.begin() + kHeaderBytes, planted.end());
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.sequences, (Sequences{1}));
  EXPECT_EQ(seen.walk.tail, Tail::torn);
}

TEST(Reader, reports_a_malformed_record_and_goes_on_with_the_next_block) {
  auto good = record_bytes(1, 7, "one");
  auto bad = good;
  bad[4] = 0xff;  // the root's offset
  std::vector<std::uint8_t> payload = good;
  payload.insert(payload.end(), bad.begin(), bad.end());
  SegmentBuilder builder;
  builder.raw_block(payload, 2).block({record_bytes(3, 7, "three")});
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.sequences, (Sequences{1, 3}));
  ASSERT_EQ(seen.walk.damage_count, 1U);
  EXPECT_EQ(seen.walk.damages[0].error, ErrorCode::segment_bad_record);
}

TEST(Reader, refuses_records_without_the_parts_that_it_promises) {
  flatbuffers::FlatBufferBuilder builder;
  builder.FinishSizePrefixed(schema::log::CreateRecord(builder, 1, 2));
  SegmentBuilder segment;
  segment.block({{builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()}});
  EXPECT_EQ(walk(segment.bytes()).walk.records, 0U);
  EXPECT_EQ(walk(segment.bytes()).walk.damage_count, 1U);
}

TEST(Reader, with_many_bad_blocks_bounds_what_it_lists_and_counts_the_rest) {
  SegmentBuilder builder;
  for (std::uint64_t i = 0; i < 301; ++i) builder.block({record_bytes(i + 1, 7, "x")});
  for (std::size_t i = 0; i < 300; i += 2) builder.bytes()[builder.block_offset(i) + 20] ^= 1;
  const Seen seen = walk(builder.bytes());
  EXPECT_EQ(seen.walk.damage_count, 150U);
  EXPECT_EQ(seen.walk.damages.size(), kMaxDamages);
  EXPECT_EQ(seen.walk.records, 151U);
}

TEST(Reader, follows_a_segment_that_grows) {
  auto builder = three_blocks();
  const std::vector<std::uint8_t> all = builder.bytes();
  std::vector<std::uint8_t> file(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(builder.block_offset(1) + 50));
  file.reserve(all.size());
  Sequences got;
  const auto take = [&](const schema::log::Record& record, const Location&) {
    got.push_back(record.sequence());
    return true;
  };
  Cursor at;
  for (const std::size_t size : {file.size(), std::size_t{builder.block_offset(2)}, all.size()}) {
    auto reader = Reader::open(memory_source(Bytes(all).first(size))).value();
    const Walk walked = reader.follow(at, take).value();
    EXPECT_EQ(walked.tail, Tail::unfinished);
    at = walked.next;
  }
  EXPECT_EQ(got, (Sequences{1, 2, 3, 4}));
}

TEST(Reader, stops_when_the_callback_has_enough) {
  auto builder = three_blocks();
  auto reader = Reader::open(memory_source(builder.bytes())).value();
  const Walk walked =
      reader.for_each_record([](const schema::log::Record& record, const Location&) { return record.sequence() < 3; })
          .value();
  EXPECT_TRUE(walked.stopped);
  EXPECT_EQ(walked.records, 3U);
  EXPECT_EQ(walked.next, (Cursor{builder.block_offset(1), 1}));
}

TEST(Reader, refuses_what_is_no_segment) {
  EXPECT_EQ(Reader::open(memory_source({})).error().code, ErrorCode::segment_bad_magic);
  EXPECT_EQ(Reader::open("/nonexistent/x.seg").error().code, ErrorCode::archive_io);
  EXPECT_EQ(Reader::open("/dev/null").error().code, ErrorCode::archive_io);
}

}  // namespace
}  // namespace sluice::segment
