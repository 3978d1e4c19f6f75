// What is remembered of payloads that come in pieces.
#include "dataplane/session/pieces.h"

#include <gtest/gtest.h>

#include "common/random.h"
#include "dataplane/session/payload.h"

namespace sluice::session {
namespace {

constexpr DurationNs kLife = 10 * kSecond;

std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Pieces as text: their tails are what a scan of nothing would keep, the last bytes up to and with what is behind.
class PiecesTest : public ::testing::Test {
 protected:
  void add(std::optional<std::uint64_t> offset, const std::string& body) {
    const Pieces::Left left = pieces.left_of(key, offset, now);
    const Pieces::Right right = pieces.right_of(key, left.begin + body.size(), now);
    const std::string before = text_of(left.bytes);
    std::string tail = before + body + (right.whole ? text_of(right.bytes) : "");
    if (tail.size() > Pieces::kEndBytes) tail.erase(0, tail.size() - Pieces::kEndBytes);
    const std::string head = body.substr(0, Pieces::kEndBytes);
    inspect::ScanState state;
    state.hold = tail.size() / 2;
    pieces.add(key,
               {.begin = left.begin,
                .size = body.size(),
                .head = as_bytes(head),
                .tail = as_bytes(tail),
                .through_right = right.whole,
                .state = state},
               kLife, now, errors);
  }
  std::string left(std::optional<std::uint64_t> offset) { return text_of(pieces.left_of(key, offset, now).bytes); }
  std::string right(std::uint64_t end) { return text_of(pieces.right_of(key, end, now).bytes); }

  Pieces pieces;
  PayloadKey key = pieces.key_of(as_bytes(std::string_view("upload 1")));
  TimeNs now = kSecond;
  ErrorCounters errors;
};

TEST_F(PiecesTest, OneFollowsTheOther) {
  EXPECT_EQ(left({}), "");
  add({}, "one ");
  EXPECT_EQ(pieces.left_of(key, {}, now).begin, 4U);
  EXPECT_EQ(pieces.left_of(key, {}, now).state.hold, 2U);
  EXPECT_EQ(left({}), "one ");
  add({}, "two");
  EXPECT_EQ(left({}), "one two");
  EXPECT_EQ(left(7), "one two");
  EXPECT_EQ(left(8), "") << "a gap";
}

TEST_F(PiecesTest, OnesThatComeOutOfOrderFindBothSides) {
  add(20, "cc");
  add(0, "aa");
  EXPECT_EQ(left(2), "aa");
  EXPECT_EQ(right(20), "cc");
  EXPECT_EQ(right(19), "");
  add(2, std::string(18, 'b'));
  EXPECT_EQ(left(22), "aa" + std::string(18, 'b') + "cc");
  add(30, "d");
  EXPECT_EQ(right(30), "d");
  EXPECT_EQ(pieces.size(), 1U);
}

TEST_F(PiecesTest, OfLongOnesTheEndsAreKept) {
  std::string body(3000, 'x');
  body.replace(0, 4, "head").replace(2996, 4, "tail");
  add(5000, body);
  EXPECT_EQ(left(8000), body.substr(3000 - Pieces::kEndBytes));
  EXPECT_EQ(right(5000), body.substr(0, Pieces::kEndBytes));
  add(4998, "ab");
  EXPECT_EQ(right(4998), "ab" + body.substr(0, Pieces::kEndBytes - 2));
  EXPECT_EQ(left(8000), body.substr(3000 - Pieces::kEndBytes)) << "the tail of what lies behind";
  add(8000, "cd");
  EXPECT_EQ(left(8002), body.substr(3000 - Pieces::kEndBytes + 2) + "cd");
}

TEST_F(PiecesTest, WhatComesLaterCounts) {
  add(0, "0123456789");
  add(4, "abc");
  EXPECT_EQ(errors.value(ErrorCode::piece_overlap), 1U);
  EXPECT_EQ(left(4), "0123") << "of what was there as far as it still is";
  EXPECT_EQ(left(10), "0123abc789");
  add(8, "xyz");
  EXPECT_EQ(left(11), "0123abc7xyz");
  add(0, "0123");
  EXPECT_EQ(left(11), "0123abc7xyz");
  EXPECT_EQ(errors.value(ErrorCode::piece_overlap), 3U);
  add(0, std::string(11, 'n'));
  EXPECT_EQ(left(11), std::string(11, 'n'));
}

// Against the payload as a server would have it that writes each piece where it says.
TEST_F(PiecesTest, AnyPiecesInAnyOrderAreAsInAFile) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Pieces fresh;
    std::swap(pieces, fresh);
    std::string file(300, '\0');
    for (int round = 0; round < 40; ++round) {
      const std::uint64_t offset = random.below(200);
      std::string body;
      for (std::uint64_t n = random.below(90) + 1; n > 0; --n)
        body.push_back(static_cast<char>('a' + static_cast<char>(random.below(26))));
      add(offset, body);
      file.replace(offset, body.size(), body);
      for (std::uint64_t at = 0; at <= 300; ++at) {
        const std::string before = left(at);
        const std::string behind = right(at);
        ASSERT_EQ(before, file.substr(at - before.size(), before.size())) << seed << " at " << at;
        ASSERT_EQ(behind, file.substr(at, behind.size())) << seed << " at " << at;
      }
      ASSERT_GE(left(offset + body.size()).size(), body.size());
      ASSERT_GE(right(offset).size(), body.size());
    }
  }
}

TEST_F(PiecesTest, AGapTooManyForgetsWhatWasLongestUntouched) {
  for (const std::uint64_t offset : {100U, 200U, 300U, 400U}) add(offset, "x");
  add(101, "y");
  EXPECT_EQ(errors.value(ErrorCode::piece_gap_forgotten), 0U);
  add(500, "x");
  EXPECT_EQ(errors.value(ErrorCode::piece_gap_forgotten), 1U);
  EXPECT_EQ(left(102), "xy");
  EXPECT_EQ(left(201), "");
  EXPECT_EQ(left(301), "x");
}

TEST_F(PiecesTest, TheyAreForgottenWhenTheirTimeIsOver) {
  add({}, "one");
  now += kLife - 1;
  EXPECT_EQ(left({}), "one");
  add({}, "two");
  now += kLife - 1;
  EXPECT_EQ(left({}), "onetwo") << "each piece begins the time anew";
  now += 1;
  EXPECT_EQ(left({}), "");
  EXPECT_EQ(pieces.left_of(key, {}, now).begin, 0U);
  add({}, "three");
  EXPECT_EQ(left({}), "three");
}

TEST_F(PiecesTest, APayloadTooManyForgetsTheOneLongestWithoutAPiece) {
  const PayloadKey first = key;
  add({}, "kept");
  for (std::size_t i = 1; i < Pieces::kStreams; ++i) {
    key = pieces.key_of(as_bytes("other " + std::to_string(i)));
    add({}, "x");
  }
  const PayloadKey second = pieces.key_of(as_bytes(std::string_view("other 1")));
  key = first;
  add({}, " on");
  EXPECT_EQ(errors.value(ErrorCode::piece_stream_forgotten), 0U);
  key = pieces.key_of(as_bytes(std::string_view("one more")));
  add({}, "x");
  EXPECT_EQ(errors.value(ErrorCode::piece_stream_forgotten), 1U);
  EXPECT_EQ(pieces.size(), Pieces::kStreams);
  key = first;
  EXPECT_EQ(left({}), "kept on");
  key = second;
  EXPECT_EQ(left({}), "");
}

TEST_F(PiecesTest, TimeOverMakesRoomWithoutACount) {
  for (std::size_t i = 0; i < Pieces::kStreams; ++i) {
    key = pieces.key_of(as_bytes("other " + std::to_string(i)));
    add({}, "x");
  }
  now += kLife;
  key = pieces.key_of(as_bytes(std::string_view("one more")));
  add({}, "x");
  EXPECT_LT(pieces.size(), Pieces::kStreams);
  EXPECT_EQ(errors.value(ErrorCode::piece_stream_forgotten), 0U);
}

TEST_F(PiecesTest, OffsetsAreOnlyCompared) {
  const std::uint64_t most = Pieces::kMaxOffset;
  add(most, "end");
  EXPECT_EQ(left(most + 3), "end");
  EXPECT_EQ(pieces.left_of(key, {}, now).begin, 0U) << "nothing follows that; it begins anew";
  add(~std::uint64_t{0} - 1, "beyond");
  add(most + 1, "beyond");
  EXPECT_EQ(left(most + 7), "");
  add({}, "");
  add(0, "x");
  EXPECT_EQ(left(1), "x");
}

TEST(ParseOffset, NumbersAndContentRanges) {
  EXPECT_EQ(parse_offset("0"), 0U);
  EXPECT_EQ(parse_offset("1048576"), 1048576U);
  EXPECT_EQ(parse_offset("bytes 1024-2047/4096"), 1024U);
  EXPECT_EQ(parse_offset("bytes 7-8/*"), 7U);
  EXPECT_EQ(parse_offset("4611686018427387904"), Pieces::kMaxOffset);
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "0x10", "1e3", "bytes */4096", "bytes 1", "bytes -5", "bits 1-2/3",
        "4611686018427387905", "18446744073709551616", "99999999999999999999999999", "1-2/3"})
    EXPECT_FALSE(parse_offset(text)) << text;
}

TEST(PieceKeys, AreSeeded) {
  const auto ties = as_bytes(std::string_view("upload"));
  EXPECT_EQ(Pieces({1, 2}).key_of(ties), Pieces({1, 2}).key_of(ties));
  EXPECT_NE(Pieces({1, 2}).key_of(ties), Pieces({1, 3}).key_of(ties));
  EXPECT_NE(Pieces().key_of(ties), Pieces().key_of(as_bytes(std::string_view("uplaod"))));
}

}  // namespace
}  // namespace sluice::session
