// Rows with cells that are decoded, or hidden for their column, say, show and give out what the same rows do cell by
// cell.
#include "dataplane/session/decoded_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "dataplane/protocol/postgres/data_row.h"
#include "dataplane/session/cell_plan.h"
#include "dataplane/session/coded_value.h"
#include "dataplane/session/held.h"
#include "tests/support/held_rows.h"
#include "tests/support/postgres_peers.h"

namespace sluice::session {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kMostHeadBytes = 160;  // between two values: of a row, of cells, of empty arrays
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;
constexpr std::uint32_t kNumeric = 1700;
constexpr std::uint32_t kTimestamp = 1114;
constexpr std::uint32_t kInt8Array = 1016;
constexpr std::uint32_t kTextArray = 1009;
constexpr std::uint32_t kTypes[] = {kInt8, kText, kNumeric, kTimestamp, kInt8Array, kTextArray};

std::string random_value(Random& random, std::uint32_t type) {
  if (random.chance(1, 8)) return {};
  if (random.chance(1, 8)) return std::string(1 + random.below(40), 'w');  // wrong, if it is no text
  switch (type) {
    case kInt8:
      return be64(random.chance(1, 4) ? 4111111111111111 : random.below(100));
    case kNumeric:
      return be16(2) + be16(1) + be16(0) + be16(0) + be16(static_cast<std::uint32_t>(random.below(10000))) + be16(7);
    case kTimestamp:
      return be64(random.below(1'000'000'000'000'000));
    default:
      return std::string(random.below(50), 't');
  }
}

std::string random_array(Random& random, std::uint32_t element) {
  const auto count = static_cast<std::uint32_t>(random.below(4));
  std::string out = be32(1) + be32(0) + be32(element) + be32(count) + be32(1);
  if (random.chance(1, 4)) out = be32(2) + be32(1) + be32(element) + be32(count) + be32(1) + be32(1) + be32(0);
  if (count == 0 && random.chance(1, 2)) out = be32(0) + be32(0) + be32(element);
  for (std::uint32_t i = 0; i < count; ++i) out += random.chance(1, 4) ? kNull : sized(random_value(random, element));
  return out;
}

std::string random_cell(Random& random, std::uint32_t type) {
  if (random.chance(1, 8)) return kNull;
  const postgres::Type* element = postgres::type_of_array(type);
  return sized(element == nullptr ? random_value(random, type) : random_array(random, element->oid));
}

PlannedCell binary(std::uint32_t type) {
  PlannedCell cell{.type = type, .blank = postgres::Blank::stars};
  if (!CodedValue::reads(type)) return cell;
  cell.is_array = postgres::type_of(type) == nullptr;
  cell.coded = cell.is_array ? postgres::type_of_array(type) : postgres::type_of(type);
  cell.blank = cell.coded->binary_blank;
  return cell;
}

struct Given {
  std::vector<PlannedCell> plan;
  std::string bytes;
};

Given some_rows(Random& random) {
  Given rows;
  for (std::size_t i = 1 + random.below(4); i > 0; --i)
    rows.plan.push_back(binary(kTypes[random.below(std::size(kTypes))]));
  rows.plan.push_back(binary(kInt8));
  const auto cells = static_cast<std::uint32_t>(rows.plan.size());
  for (std::size_t i = 1 + random.below(4); i > 0 && rows.bytes.size() < 600; --i) {
    std::string body;
    for (const PlannedCell& cell : rows.plan) body += random_cell(random, cell.type);
    rows.bytes += data_row(cells, body);
  }
  return rows;
}

Held whole(const Given& rows) {
  Held held = held_of(rows.bytes);
  DecodedRowsWriter writer;
  const RowsSize written = writer.write(held.unlabelled(), rows.plan);
  EXPECT_EQ(written.wire, rows.bytes.size());
  EXPECT_EQ(written.content, writer.rows().content.size());
  held.label_rows(written, writer.rows());
  return held;
}

// As the relay labels them step by step.
Held by_cells(const Given& rows) {
  Held held = held_of(rows.bytes);
  Message message;
  while (held.unlabelled_bytes() > 0) {
    std::size_t framing = postgres::kRowHeadBytes;
    const Row next(held.unlabelled());
    auto planned = rows.plan.begin();
    next.for_each_cell([&](std::size_t, std::uint32_t length, bool null) {
      const PlannedCell& cell = *planned++;
      held.label(RunKind::framing, std::exchange(framing, 0) + postgres::kCellHeadBytes);
      if (null) return held.mark(Item::null, 0);
      if (cell.coded == nullptr) {
        held.mark(Item::value, length);
        return held.label(RunKind::content, length);
      }
      CodedValue value;
      value.begin(cell.type, length, {});
      Bytes bytes = held.unlabelled().first(length);
      do bytes = bytes.subspan(value.label(held, message, bytes));
      while (value.active());
    });
    held.mark(Item::row, next.cells());
  }
  return held;
}

TEST(DecodedRows, HaveTheContentOfTheirCells) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const Given rows = some_rows(random);
    const Held ours = whole(rows);
    const Held theirs = by_cells(rows);
    ASSERT_EQ(ours.run_count(), 1U);
    expect_same_content(random, ours, theirs);
  }
}

// What is no content may go sooner or later.
TEST(DecodedRows, GiveOutWhatTheirCellsDoWhereverItEnds) {
  Random random(2);
  for (int round = 0; round < 40; ++round) {
    const Given rows = some_rows(random);
    for (std::uint64_t through = 0; through <= whole(rows).content_end(); ++through) {
      Held ours = whole(rows);
      Held theirs = by_cells(rows);
      buffer::Chain our_out;
      buffer::Chain their_out;
      for (const std::uint64_t until :
           {through, std::min(through + random.below(40), ours.content_end()), ours.content_end()}) {
        ASSERT_TRUE(ours.release(test_pools(), true, until, false, our_out));
        ASSERT_TRUE(theirs.release(test_pools(), true, until, false, their_out));
        ASSERT_TRUE(rows.bytes.starts_with(text_of(our_out))) << through;
        const auto more = static_cast<std::int64_t>(our_out.length_bytes() - their_out.length_bytes());
        ASSERT_LE(std::abs(more), kMostHeadBytes) << through;
        ASSERT_EQ(content_of(ours, until), content_of(theirs, until)) << through;
      }
      ASSERT_EQ(text_of(our_out), rows.bytes);
      ASSERT_EQ(ours.text_bytes(), 0U);
    }
  }
}

TEST(DecodedRows, AreHiddenInTheirCellsAndNowhereElse) {
  Random random(3);
  for (int round = 0; round < 3000; ++round) {
    const Given rows = some_rows(random);
    Held ours = whole(rows);
    Held theirs = by_cells(rows);
    star_alike(random, ours, theirs);
    expect_same_bytes(ours, theirs);
  }
}

TEST(DecodedRows, AreHiddenAsTheirValuesAre) {
  static constexpr RuleIndex kRule[] = {0};
  Random random(5);
  for (int round = 0; round < 2000; ++round) {
    Given rows = some_rows(random);
    for (PlannedCell& cell : rows.plan)
      if (random.chance(1, 2)) cell.hidden_by = kRule;
    DecodedRowsWriter writer;
    writer.write(as_bytes(rows.bytes), rows.plan);
    Held ours = whole(rows);
    Held theirs = by_cells(rows);
    ContentView our_view;
    ContentView their_view;
    ours.view_content(0, our_view);
    theirs.view_content(0, their_view);
    for (const DecodedRowsWriter::HiddenValue& value : writer.hidden()) {
      const std::size_t from = value.begin + random.below(value.end - value.begin + 1);
      const std::size_t to = from + random.below(value.end - from + 1);
      const postgres::Blank how = rows.plan[value.cell].blank;
      our_view.blank(from, to, how, value.begin, value.end);
      their_view.blank(from, to, how, value.begin, value.end);
    }
    expect_same_bytes(ours, theirs);
  }
}

TEST(DecodedRows, WithAnArrayThatIsNoneAreNotWritten) {
  const std::vector<PlannedCell> plan = {binary(kInt8Array)};
  const std::string good = data_row(1, sized(be32(1) + be32(0) + be32(kInt8) + be32(1) + be32(1) + sized(be64(5))));
  const auto written = [&](const std::string& cell) {
    DecodedRowsWriter writer;
    const std::string rows = good + data_row(1, sized(cell));
    const RowsSize size = writer.write(as_bytes(rows), plan);
    EXPECT_EQ(size.wire, size.rows == 2 ? rows.size() : good.size());
    EXPECT_EQ(size.content, writer.rows().content.size());
    return size.rows == 2;
  };
  const std::string head = be32(1) + be32(0) + be32(kInt8);
  EXPECT_TRUE(written(head + be32(1) + be32(1) + sized(be64(5))));
  EXPECT_FALSE(written(head.substr(1)));
  EXPECT_FALSE(written(head));
  EXPECT_FALSE(written(head + be32(2) + be32(1) + sized(be64(5))));
  EXPECT_FALSE(written(head + be32(0x7fffffff) + be32(1) + sized(be64(5))));
  EXPECT_FALSE(written(head + be32(1) + be32(1) + sized(be64(5)) + "x"));
  EXPECT_FALSE(written(head + be32(1) + be32(1) + be32(9) + be64(5)));
  EXPECT_FALSE(written(be32(1) + be32(0) + be32(kText) + be32(1) + be32(1) + sized(be64(5))));
  EXPECT_FALSE(written(be32(7) + be32(0) + be32(kInt8) + std::string(56, '\1')));
}

TEST(DecodedRows, WithMoreContentThanIsKeptAreNotWritten) {
  constexpr std::uint32_t kCells = 3000;
  const std::vector<PlannedCell> plan(kCells, binary(kTimestamp));
  std::string nulls;
  std::string times;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    nulls += kNull;
    times += sized(be64(1));  // 26 characters
  }
  DecodedRowsWriter writer;
  const std::string rows = data_row(kCells, nulls) + data_row(kCells, times);
  const RowsSize size = writer.write(as_bytes(rows), plan);
  EXPECT_EQ(size.rows, 1U);
  EXPECT_EQ(size.content, writer.rows().content.size());
  EXPECT_EQ(writer.write(as_bytes(data_row(kCells, times)), plan).wire, 0U);
}

// Several results in one answer, whose columns come in both formats, and of one of which nobody said what they are.
std::string random_answer(Random& random) {
  constexpr std::uint32_t kJson = 114;
  constexpr std::uint32_t kDate = 1082;
  const std::pair<std::uint32_t, std::string> columns[] = {
      {kInt8, "id"},      {kText, "kept"},     {kInt8, "secret"}, {kInt8Array, "numbers"}, {kTextArray, "listed"},
      {kTimestamp, "at"}, {kNumeric, "total"}, {kJson, "shape"},  {kDate, "born"}};
  std::string answer;
  for (int result = 0; result < 3; ++result) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> chosen;  // type and format
    std::string head;
    for (std::size_t i = 2 + random.below(6); i > 0; --i) {
      const auto& [type, name] = columns[random.below(std::size(columns))];
      chosen.emplace_back(type, random.chance(2, 3) ? 1 : 0);
      head += column(name, type, 0, 0, chosen.back().second);
    }
    const auto cells = static_cast<std::uint32_t>(chosen.size());
    answer += row_description(cells, head);
    for (int i = 0; i < 25; ++i) {
      std::string body;
      for (const auto& [type, format] : chosen)
        body += format == 1 ? random_cell(random, type) : sized(random.chance(1, 3) ? kCard : "2026-11-22");
      answer += data_row(cells, body);
    }
    answer += complete("SELECT 25");
  }
  return answer + ready();
}

// Through the relay: rows that came whole, and rows that were cut, have the same masks and the same record.
TEST(DecodedRows, PassTheRelayAlikeHoweverTheyAreCut) {
  const std::string rules =
      "services:\n  - {name: db, address: 10.0.0.2:80, protocol: postgres, mode: enforce, rules: [local/*], record: "
      "{rows: 30}}\n"
      "rules:\n"
      "  - {name: hidden, columns: [secret, listed, kept, shape, born], action: mask}\n"
      "  - {name: card, match: '\\b\\d{16}\\b', validate: luhn, where: [response], action: mask, mask: {keep_last: "
      "4}}\n"
      "  - {name: long, match: 'wwww[^z]{0,200}z', where: [response], action: mask}\n";
  Random random(4);
  for (int round = 0; round < 30; ++round) {
    const std::string answer = random_answer(random);
    Connected at_once(rules);
    at_once.says(query("select"));
    at_once.answers(answer);
    ASSERT_EQ(at_once.relay().fate(), Fate::run);
    EXPECT_EQ(at_once.to_client.find(be64(4111111111111111)), std::string::npos);
    EXPECT_EQ(at_once.to_client.find(kCard), std::string::npos);
    const auto expect_same = [&](Connected& h, std::size_t cut) {
      ASSERT_EQ(h.to_client, at_once.to_client) << cut;
      ASSERT_EQ(h.response(0).body, at_once.response(0).body) << cut;
      ASSERT_EQ(h.response(0).hits, at_once.response(0).hits) << cut;
      ASSERT_EQ(h.response(0).end.verdict, at_once.response(0).end.verdict) << cut;
    };
    for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{100}, 50 + random.below(400)}) {
      Connected h(rules, cut);
      h.says(query("select"));
      h.answers(answer);
      expect_same(h, cut);
    }
    Connected h(rules);
    h.says(query("select"));
    h.feed_segments(Direction::response, answer, 512 + random.below(600));
    expect_same(h, 0);
  }
}

}  // namespace
}  // namespace sluice::session
