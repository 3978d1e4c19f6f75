// Whole rows say, show and give out what the same rows do cell by cell.
#include "dataplane/session/postgres_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/random.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "dataplane/session/held.h"
#include "tests/support/held_rows.h"
#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

constexpr std::size_t kNoBound = 1 << 20;

std::string random_row(Random& random, std::uint32_t cells) {
  std::string body;
  for (std::uint32_t i = 0; i < cells; ++i) {
    if (random.chance(1, 6)) {
      body += kNull;
      continue;
    }
    constexpr std::size_t kLengths[] = {0, 1, 15, 16, 31, 32, 33, 255, 256, 300};
    body += sized(std::string(random.chance(1, 4) ? kLengths[random.below(std::size(kLengths))] : random.below(20),
                              static_cast<char>('a' + random.below(26))));
  }
  return data_row(cells, body);
}

Held whole(const std::string& rows, std::uint32_t cells) {
  Held held = held_of(rows);
  held.label_rows(measure_rows(held.unlabelled(), cells, kNoBound));
  return held;
}

// As the relay labels them step by step.
Held by_cells(const std::string& rows) {
  Held held = held_of(rows);
  while (held.unlabelled_bytes() > 0) {
    std::size_t framing = postgres::kRowHeadBytes;
    const Row next(held.unlabelled());
    next.for_each_cell([&](std::size_t, std::uint32_t length, bool null) {
      held.label(RunKind::framing, std::exchange(framing, 0) + postgres::kCellHeadBytes);
      held.mark(null ? Item::null : Item::value, length);
      held.label(RunKind::content, length);
    });
    held.mark(Item::row, next.cells());
  }
  return held;
}

struct Given {
  std::uint32_t cells = 0;
  std::string bytes;
};

Given some_rows(Random& random) {
  Given rows;
  constexpr std::size_t kBytes = 600;  // with the last row, less than a buffer holds
  rows.cells = 1 + static_cast<std::uint32_t>(random.below(4));
  for (std::size_t i = 1 + random.below(4); i > 0 && rows.bytes.size() < kBytes; --i)
    rows.bytes += random_row(random, rows.cells);
  return rows;
}

TEST(PostgresRows, AreMeasuredAsFarAsTheyAreWholeAndAlike) {
  const std::string one = row({"ab", kNull, ""});
  const RowsSize size = measure_rows(as_bytes(one + one), 3, kNoBound);
  EXPECT_EQ(size.wire, 2 * one.size());
  EXPECT_EQ(size.last, one.size());
  EXPECT_EQ(size.content, 2U * (3 + 2 + 3 + 3 + 3));
  EXPECT_EQ(measure_rows(as_bytes(one + one), 3, 1).wire, one.size()) << "the last begins before the bound";
  EXPECT_EQ(measure_rows(as_bytes(one + row({"ab"})), 3, kNoBound).wire, one.size());
  EXPECT_EQ(measure_rows(as_bytes(one + complete("SELECT 1")), 3, kNoBound).wire, one.size());
  for (std::size_t cut = 0; cut < one.size(); ++cut)
    EXPECT_EQ(measure_rows(as_bytes(one.substr(0, cut)), 3, kNoBound).wire, 0U) << cut;
}

TEST(PostgresRows, ThatAreWrongAreNone) {
  const std::string rights = data_row(2, sized("ab") + sized("c"));
  const auto wrong = [](const std::string& bytes) { return measure_rows(as_bytes(bytes), 2, kNoBound).wire == 0; };
  EXPECT_FALSE(wrong(rights));
  EXPECT_TRUE(wrong(data_row(2, sized("ab"))));
  EXPECT_TRUE(wrong(data_row(2, sized("ab") + sized("c") + "x"))) << "bytes behind the last cell";
  EXPECT_TRUE(wrong(data_row(2, sized("ab") + be32(2) + "c"))) << "a cell beyond the row's end";
  EXPECT_TRUE(wrong(data_row(2, sized("ab") + be32(0x80000000) + "c")));
  EXPECT_TRUE(wrong(data_row(2, sized("ab") + "\0\0")));
  for (const std::uint32_t length : {0U, 3U, 5U, 0x7fffffffU, 0xffffffffU})
    EXPECT_TRUE(wrong('D' + be32(length) + rights.substr(5))) << length;
}

TEST(PostgresRows, HaveTheContentOfTheirCells) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const Given rows = some_rows(random);
    const Held ours = whole(rows.bytes, rows.cells);
    const Held theirs = by_cells(rows.bytes);
    ASSERT_EQ(ours.unlabelled_bytes(), 0U);
    ASSERT_EQ(ours.run_count(), 1U);
    expect_same_content(random, ours, theirs);
  }
}

// Where it ends between two rows, the framing of the second may wait.
TEST(PostgresRows, GiveOutWhatTheirCellsDoWhereverItEnds) {
  Random random(2);
  for (int round = 0; round < 50; ++round) {
    const Given rows = some_rows(random);
    for (std::uint64_t through = 0; through <= whole(rows.bytes, rows.cells).content_end(); ++through) {
      Held ours = whole(rows.bytes, rows.cells);
      Held theirs = by_cells(rows.bytes);
      buffer::Chain our_out;
      buffer::Chain their_out;
      for (const std::uint64_t until :
           {through, std::min(through + random.below(40), ours.content_end()), ours.content_end()}) {
        ASSERT_TRUE(ours.release(test_pools(), true, until, false, our_out));
        ASSERT_TRUE(theirs.release(test_pools(), true, until, false, their_out));
        ASSERT_TRUE(text_of(their_out).starts_with(text_of(our_out))) << through;
        ASSERT_LE(their_out.length_bytes() - our_out.length_bytes(),
                  postgres::kRowHeadBytes + postgres::kCellHeadBytes);
        ASSERT_EQ(content_of(ours, until), content_of(theirs, until)) << through;
      }
      ASSERT_EQ(text_of(our_out), rows.bytes);
    }
  }
}

TEST(PostgresRows, AreStarredInTheirCellsAndNowhereElse) {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    const Given rows = some_rows(random);
    Held ours = whole(rows.bytes, rows.cells);
    Held theirs = by_cells(rows.bytes);
    star_alike(random, ours, theirs);
    expect_same_bytes(ours, theirs);
  }
}

// Rows of which one ends in the next segment, each of which is long enough not to be copied together with the other.
Held in_two_pieces(const std::string& rows, std::size_t cut, std::uint32_t cells) {
  buffer::Chain chain;
  for (const std::string& piece : {rows.substr(0, cut), rows.substr(cut)}) {
    buffer::Chain segment;
    EXPECT_TRUE(segment.append_copy(test_pools(), as_bytes(piece)));
    chain.append(std::move(segment));
  }
  Held held;
  held.append(test_pools(), std::move(chain));
  EXPECT_EQ(held.segments(), 2U);
  Held::Place place;
  while (held.unlabelled_bytes() > 0) {
    RowsSize next = measure_rows(held.unlabelled(), cells, kNoBound);
    std::array<std::uint8_t, kMostJoinedBytes> joined;
    if (next.wire == 0) next = measure_rows(held.joined_row(place, joined), cells, kNoBound);
    EXPECT_NE(next.wire, 0U);
    if (next.wire == 0) break;
    held.label_rows(next);
  }
  EXPECT_LE(held.run_count(), 3U);
  return held;
}

TEST(PostgresRows, ThatLieInTwoPiecesAreOneWhereverTheyAreCut) {
  Random random(5);
  const std::string filler = row({std::string(600, 'f'), kNull});
  for (int round = 0; round < 10; ++round) {
    const std::string before = filler + random_row(random, 2);
    const std::string row = random_row(random, 2);
    const std::string rows = before + row + random_row(random, 2) + filler;
    for (std::size_t cut = before.size() + 1; cut < before.size() + row.size(); ++cut) {
      Held ours = in_two_pieces(rows, cut, 2);
      Held theirs = by_cells(rows);
      ASSERT_EQ(ours.content_end(), theirs.content_end());
      const std::uint64_t from = random.below(ours.content_end());
      ASSERT_EQ(content_of(ours, from), content_of(theirs, from)) << cut;
      ContentView our_view;
      ContentView their_view;
      ours.view_content(from, our_view);
      theirs.view_content(from, their_view);
      for (std::uint64_t at = from; at < ours.content_end(); at += 30) {
        const std::string stars(std::min<std::uint64_t>(20, ours.content_end() - at), '*');
        our_view.star(at, as_bytes(stars));
        their_view.star(at, as_bytes(stars));
      }
      buffer::Chain our_out;
      buffer::Chain their_out;
      const std::uint64_t through = 600 + random.below(ours.content_end() - 1200);
      for (const std::uint64_t until : {through, ours.content_end()}) {
        ASSERT_TRUE(ours.release(test_pools(), true, until, false, our_out));
        ASSERT_TRUE(theirs.release(test_pools(), true, until, false, their_out));
        ASSERT_EQ(content_of(ours, until), content_of(theirs, until)) << cut;
      }
      ASSERT_EQ(text_of(our_out), text_of(their_out)) << cut;
    }
  }
}

// Through the relay: rows that came whole and rows that were cut have the same masks and the same record.
TEST(PostgresRows, PassTheRelayAlikeHoweverTheyAreCut) {
  Random random(4);
  for (int round = 0; round < 20; ++round) {
    std::string rows;
    for (int i = 0; i < 60; ++i)
      rows += row({std::to_string(i), random.chance(1, 3) ? kCard : "none", random.chance(1, 3) ? kNull : "",
                   "paid with " + kCard + " by Ada"});
    const std::string wrong = round % 3 == 0 ? row({"1"}) : round % 3 == 1 ? data_row(4, "\0\0\0\1") : std::string();
    const std::string answer = rows_of({"a", "b", "c", "d"}) + rows + wrong + complete("SELECT 60") + ready();
    Connected at_once;
    at_once.says(query("select"));
    at_once.answers(answer);
    EXPECT_EQ(at_once.to_client.find(kCard), std::string::npos);
    EXPECT_EQ(at_once.relay().fate(), wrong.empty() ? Fate::run : Fate::abort);
    for (const std::size_t cut : {std::size_t{1}, std::size_t{100}, 50 + random.below(400)}) {
      Connected h(policy(), cut);
      h.says(query("select"));
      h.answers(answer);
      ASSERT_EQ(h.relay().fate(), at_once.relay().fate()) << cut;
      // What came in one piece with what cannot be read goes nowhere.
      ASSERT_TRUE(h.to_client.starts_with(at_once.to_client)) << cut;
      if (!wrong.empty()) continue;
      ASSERT_EQ(h.to_client, at_once.to_client) << cut;
      ASSERT_EQ(h.response(0).body, at_once.response(0).body) << cut;
    }
    if (!wrong.empty()) continue;
    Connected h;
    h.says(query("select"));
    h.feed_segments(Direction::response, answer, 512 + random.below(600));
    ASSERT_EQ(h.to_client, at_once.to_client);
    ASSERT_EQ(h.response(0).body, at_once.response(0).body);
  }
}

}  // namespace
}  // namespace sluice::session
