// Recorded answers of PostgreSQL against what another server says, value by value.
#include "control/replay/answer_comparison.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/control/recorded_texts.h"

namespace sluice::control {
namespace {

using test::mark;
using test::row_end;
using test::text;
using test::value;
using Row = AnswerComparison::Row;

std::string report(const std::string& severity, const std::string& code, const std::string& message) {
  return text(severity) + text(severity) + text(code) + text(message) + text("12") + text("parse_relation.c") +
         text("1392") + text("parserOpenTable");
}

class AnswerComparisonTest : public ::testing::Test {
 protected:
  AnswerComparison& against(std::string body, const std::string& head = "ROWS\n", bool is_masked = true) {
    body_ = std::move(body);
    out = {};
    comparison_.emplace(body_, parse_postgres_head(head), is_masked, redactor_, out);
    return *comparison_;
  }
  ValuesCompared out;

 private:
  static Redactor redactor() {
    rules::Rule digits;
    digits.name = "pii/card";
    digits.expression = "[0-9]{16}";
    digits.max_width = 16;
    rules::Rule pay;
    pay.name = "local/pay";
    pay.columns = {{.name = "salary"}, {.name = "", .table = 16'402, .attribute = 7}};
    rules::Rule word;
    word.name = "local/word";
    word.expression = "s3cret";
    word.max_width = 6;
    const std::vector<rules::Rule> rules = {digits, pay, word};
    return *Redactor::make(rules);
  }
  std::string body_;
  Redactor redactor_ = redactor();
  std::optional<AnswerComparison> comparison_;
};

const std::string kTwoRows = text("id") + text("name") + value("1") + value("ann") + row_end(2) + value("2") +
                             mark(Item::null, 0) + row_end(2) + text("SELECT 2");
const std::vector<ReplayedColumn> kIdAndName = {{.name = "id", .type = 23}, {.name = "name", .type = 25}};

TEST_F(AnswerComparisonTest, TheSameIsTheSame) {
  auto& comparison = against(kTwoRows);
  EXPECT_TRUE(comparison.has_end());
  comparison.columns(kIdAndName, true);
  comparison.row(Row{"1", "ann"});
  EXPECT_FALSE(comparison.rows_are_over());
  comparison.row(Row{"2", std::nullopt});
  EXPECT_TRUE(comparison.rows_are_over());
  comparison.tag("SELECT 2");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
  EXPECT_EQ(out.values, 7U);
  EXPECT_EQ(out.masked, 0U);
}

TEST_F(AnswerComparisonTest, EachDifferenceHasItsPlace) {
  auto& comparison = against(kTwoRows);
  comparison.columns({{.name = "id"}, {.name = "title"}}, true);
  comparison.row(Row{"1", "bob"});
  comparison.row(Row{"2", ""});
  comparison.row(Row{"3", "eve"});
  comparison.tag("SELECT 3");
  comparison.finish();
  ASSERT_EQ(out.differences.size(), 5U);
  EXPECT_EQ(out.differences[0].where, "column 2");
  EXPECT_EQ(out.differences[0].replayed, "title");
  EXPECT_EQ(out.differences[1].where, "row 1, value 2");
  EXPECT_EQ(out.differences[1].recorded, "ann");
  EXPECT_EQ(out.differences[2].recorded, "NULL") << "which is not the same as nothing";
  EXPECT_EQ(out.differences[3].where, "row 3");
  EXPECT_EQ(out.differences[3].replayed, "3 | eve");
  EXPECT_EQ(out.differences[4].recorded, "SELECT 2");
}

TEST_F(AnswerComparisonTest, ColumnsThatAreMissingOrMoreDoNotDisturbTheRows) {
  auto& fewer = against(kTwoRows);
  fewer.columns({kIdAndName[0]}, true);
  fewer.row(Row{"1"});
  fewer.row(Row{"2"});
  fewer.tag("SELECT 2");
  fewer.finish();
  EXPECT_EQ(out.differing, 3U) << "the column and its values";
  EXPECT_EQ(out.differences[0].recorded, "name");
  auto& more = against(kTwoRows);
  more.columns({kIdAndName[0], kIdAndName[1], {.name = "age"}}, true);
  more.row(Row{"1", "ann", "40"});
  EXPECT_EQ(out.differing, 2U);
  EXPECT_EQ(out.differences[1].where, "row 1, value 3");
}

TEST_F(AnswerComparisonTest, MissingRowsAreCounted) {
  auto& comparison = against(kTwoRows);
  comparison.columns(kIdAndName, true);
  comparison.tag("SELECT 0");
  EXPECT_EQ(out.differences.at(0).recorded, "2 more");
  EXPECT_EQ(out.differing, 2U);
}

TEST_F(AnswerComparisonTest, RowsThatTheRecordLeavesOutAreCounted) {
  const std::string recorded = text("id") + value("1") + row_end(1) + mark(Item::left_out, 2) + text("SELECT 3") +
                               text("n") + value("9") + row_end(1) + text("SELECT 1");
  const auto replay = [&](int rows) {
    auto& comparison = against(recorded);
    comparison.columns({{.name = "id"}}, true);
    for (int i = 1; i <= rows; ++i) comparison.row(Row{i == 1 ? "1" : "x"});
    comparison.tag("SELECT 3");
    comparison.columns({{.name = "n"}}, true);
    comparison.row(Row{"9"});
    comparison.tag("SELECT 1");
    comparison.finish();
    return out.differing;
  };
  EXPECT_EQ(replay(3), 0U);
  EXPECT_EQ(out.rows, 2U);
  EXPECT_EQ(replay(2), 1U);
  EXPECT_EQ(out.differences[0].recorded, "1 more");
  EXPECT_EQ(replay(4), 1U);
  EXPECT_EQ(out.differences[0].where, "row 4");
  EXPECT_EQ(replay(1), 1U);
  EXPECT_EQ(out.differences[0].recorded, "2 more");
}

TEST_F(AnswerComparisonTest, WhatIsMaskedIsThereAndNothingIsShown) {
  const std::string recorded = value("************1111") + row_end(1) + text("SELECT 1");
  against(recorded).row(Row{"4111111111111111"});
  EXPECT_EQ(out.masked, 1U);
  EXPECT_EQ(out.differing, 0U);
  against(recorded).row(Row{"4111111111112222"});
  EXPECT_EQ(out.differing, 1U) << "what the record shows of it is another";
  EXPECT_EQ(out.differences.at(0).replayed, "****************");
  against(recorded, "ROWS\n", false).row(Row{"4111111111111111"});
  EXPECT_EQ(out.differing, 1U) << "where nothing was masked a star is a star";
  const std::string hidden = value("****") + row_end(1) + text("SELECT 1");
  against(hidden).row(Row{"123456"});
  EXPECT_EQ(out.masked, 1U) << "of any length";
  against(hidden).row(Row{std::nullopt});
  EXPECT_EQ(out.differing, 1U) << "but there";
}

TEST_F(AnswerComparisonTest, CellsOfHiddenColumnsAreNeverShown) {
  const std::string recorded = text("name") + text("salary") + value("ann") + mark(Item::null, 0) + row_end(2);
  auto& comparison = against(recorded);
  comparison.columns({{.name = "name"}, {.name = "Salary", .type = 1700}}, true);
  comparison.row(Row{"bob", "5100.50"});
  comparison.row(Row{"eve", "99"});
  ASSERT_GE(out.differences.size(), 4U);
  EXPECT_EQ(out.differences[1].replayed, "bob");
  EXPECT_EQ(out.differences[2].replayed, "*******");
  EXPECT_EQ(out.differences[3].replayed, "eve | **");
  auto& elsewhere = against(value("1") + row_end(1));
  elsewhere.columns({{.name = "pay", .type = 23, .attribute = 7}}, false);
  elsewhere.row(Row{"5100"});
  EXPECT_EQ(out.differences.at(0).replayed, "****") << "its table has another number there";
}

// "_s3cret." and what is shown of it.
const std::string kSecretInHex = "\\x5f7333637265742e";
const std::string kHiddenInHex = "\\x5f************2e";

TEST_F(AnswerComparisonTest, WhatStandsInBytesIsHiddenWhereverTheyArePrinted) {
  const std::string recorded = value("a") + value("b") + value("c") + value("d") + row_end(4) + text("SELECT 1");
  auto& comparison = against(recorded, "ROWS\n", false);
  comparison.columns(
      {{.name = "b", .type = 17}, {.name = "l", .type = 1001}, {.name = "r", .type = 2249}, {.name = "t"}}, false);
  comparison.row(Row{kSecretInHex, "{\"\\" + kSecretInHex + "\",NULL,\"\\\\x00\"}", "(1,\"\\" + kSecretInHex + "\")",
                     "\\x7 \\xyz"});
  ASSERT_EQ(out.differences.size(), 4U);
  EXPECT_EQ(out.differences[0].replayed, kHiddenInHex);
  EXPECT_EQ(out.differences[1].replayed, "{\"\\" + kHiddenInHex + "\",NULL,\"\\\\x00\"}");
  EXPECT_EQ(out.differences[2].replayed, "(1,\"\\" + kHiddenInHex + "\")");
  EXPECT_EQ(out.differences[3].replayed, "\\x7 \\xyz");
  against(recorded, "ROWS\n", false).error("22023", "wrong: " + kSecretInHex);
  EXPECT_EQ(out.differences.back().replayed, "22023 wrong: " + kHiddenInHex);
  against(text("1\n"), "COPY\n", false).copied("\\" + kSecretInHex + "\n");
  EXPECT_EQ(out.differences.at(0).replayed, "\\" + kHiddenInHex + ".");
}

TEST_F(AnswerComparisonTest, OfWhatIsLongTheBeginningIsShownAndHidesTheSame) {
  const std::string recorded = value("a") + value("b") + value("c") + row_end(3) + text("SELECT 1");
  const std::string padding(157, '.');
  auto& comparison = against(recorded, "ROWS\n", false);
  const std::string hex = "\\x" + std::string(152, '5');
  comparison.row(Row{padding + "4111111111111111" + padding, hex + "7333637265742e" + hex, padding + "s3cret"});
  ASSERT_EQ(out.differences.size(), 3U);
  EXPECT_EQ(out.differences[0].replayed, padding + "***…");
  EXPECT_TRUE(out.differences[1].replayed.ends_with("******…")) << out.differences[1].replayed;
  EXPECT_EQ(out.differences[2].replayed, padding + "***…");
  auto& long_row = against(text("SELECT 1"), "ROWS\n", false);
  long_row.row(Row{padding, "4111111111111111", "more", "s3cret"});
  EXPECT_EQ(out.differences.at(0).replayed, padding + " | …");
}

TEST_F(AnswerComparisonTest, BytesThatAreNotPrintedInHexAreNotShown) {
  const std::string recorded = value("a") + value("b") + value("c") + row_end(3) + text("SELECT 1");
  auto& comparison = against(recorded, "ROWS\n", false);
  comparison.columns({{.name = "b", .type = 17}, {.name = "l", .type = 1001}, {.name = "b", .type = 17}}, false);
  comparison.row(Row{"s\\063cret", "{\"\\\\x\",\"\\\\\\\\x\"}", "plain"});
  ASSERT_EQ(out.differences.size(), 3U);
  EXPECT_EQ(out.differences[0].replayed, "*********");
  EXPECT_EQ(out.differences[1].replayed, "***************");
  EXPECT_EQ(out.differences[2].replayed, "plain");
}

// Wherever an error is looked for it is the same.
TEST_F(AnswerComparisonTest, AnErrorIsOneThatIsCutBehindItsCode) {
  const std::string cut = text("FEHLER") + text("ERROR") + text("42P01");
  EXPECT_EQ(recorded_error(cut), "42P01");
  auto& comparison = against(cut);
  comparison.error("42P01", "no such relation");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
  const std::string words = text("a") + text("ERROR") + text("words") + text("b");
  EXPECT_EQ(recorded_error(words), "") << "which are no code";
}

TEST_F(AnswerComparisonTest, ErrorsAreTheSameByTheirCode) {
  const std::string recorded = report("NOTICE", "00000", "by the way") + report("ERROR", "42P01", "no such relation");
  auto& comparison = against(recorded, "ERROR\n");
  comparison.error("42P01", "Relation existiert nicht");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
  against(recorded, "ERROR\n").error("42703", "no column 4111111111111111");
  ASSERT_EQ(out.differing, 1U);
  EXPECT_EQ(out.differences[0].recorded, "42P01 no such relation");
  EXPECT_EQ(out.differences[0].replayed, "42703 no column ****************");
  against(recorded, "ERROR\n").tag("SELECT 1");
  EXPECT_EQ(out.differences.at(0).recorded, "42P01 no such relation");
  against(text("SELECT 0"), "DONE\n").error("42P01", "no such relation");
  EXPECT_EQ(out.differences.at(0).recorded, "no error");
}

TEST_F(AnswerComparisonTest, NothingThatAServerSaysIsShownAsItIs) {
  against(text("SELECT 1")).error("s3cret", "wrong");
  EXPECT_EQ(out.differences.at(0).replayed, "no SQLSTATE wrong");
  against(text("SELECT 1")).tag("s3cret");
  EXPECT_EQ(out.differences.at(0).replayed, "******");
  against(report("ERROR", "42P01", "no such relation"), "ERROR\n").tag("s3cret");
  EXPECT_EQ(out.differences.at(0).replayed, "******");
  against(mark(Item::null, 0)).tag("s3cret");
  EXPECT_EQ(out.differences.at(0).replayed, "******");
}

TEST_F(AnswerComparisonTest, NoticesArePassedOver) {
  auto& comparison = against(report("NOTICE", "00000", "one") + report("WARNING", "01000", "two") + text("DO"));
  comparison.columns({}, true);
  comparison.tag("DO");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
}

TEST_F(AnswerComparisonTest, CopiedTextIsComparedRowByRow) {
  const std::string recorded = text("1\tann\n2\tbob\n3\t****************\n") + text("COPY 3");
  auto& comparison = against(recorded, "COPY\n");
  for (const char* row : {"1\tann\n", "2\tbob\n", "3\t4111111111111111\n"}) comparison.copied(row);
  comparison.tag("COPY 3");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
  EXPECT_EQ(out.masked, 1U);
  auto& changed = against(recorded, "COPY\n");
  for (const char* row : {"1\tannabel\n", "2\tbob\n"}) changed.copied(row);
  changed.tag("COPY 2");
  changed.finish();
  ASSERT_EQ(out.differing, 3U);
  EXPECT_EQ(out.differences[0].where, "COPY, row 1");
  EXPECT_EQ(out.differences[1].where, "COPY, the rest");
  EXPECT_EQ(out.differences[2].where, "the end");
}

TEST_F(AnswerComparisonTest, CopiedBytesAreWhatTheyAre) {
  const std::string data = "1\tann\n2\tbob\n";
  const std::string recorded = text(data) + text("COPY 2");
  auto& comparison = against(recorded, "COPY\n");
  comparison.copied("1\tann\n");
  comparison.copied(data.substr(6));
  comparison.tag("COPY 2");
  comparison.finish();
  EXPECT_EQ(out.differing, 0U);
  against(recorded, "COPY\n").copied(data + "\3");
  EXPECT_EQ(out.differing, 1U);
}

TEST_F(AnswerComparisonTest, BinaryDataIsComparedByItsValues) {
  const std::string recorded = text("PGCOPY\n\xff\r\n") + value("1") + value("card ****************") + row_end(2) +
                               mark(Item::null, 0) + value("\n\3") + row_end(2) + text("COPY 2");
  const std::string header("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", 19);
  const std::string second("\0\2\xff\xff\xff\xff\0\0\0\2\n\3", 12);
  const auto copied = [&](const std::string& noted) {
    auto& comparison = against(recorded, "COPY\n");
    const std::string first = std::string("\0\2\0\0\0\0011\0\0\0\x15", 11) + noted;
    for (const std::string& row : {header + first, second, std::string("\xff\xff")}) comparison.copied(row);
    comparison.tag("COPY 2");
    comparison.finish();
    return out.differing;
  };
  EXPECT_EQ(copied("card 4111111111111111"), 0U);
  EXPECT_EQ(copied("cart 4111111111111111"), 1U);
}

TEST_F(AnswerComparisonTest, ValuesThatCameInBinaryAreComparedByTheirTexts) {
  const std::string recorded = mark(Item::decoded, 3) + "258" + value("a") + mark(Item::list, 2) +
                               mark(Item::decoded, 1) + "1" + mark(Item::null, 0) + value("\1\2") + row_end(4);
  const std::vector<ReplayedColumn> columns = {
      {.name = "i", .type = 23}, {.name = "t", .type = 25}, {.name = "a", .type = 1007}, {.name = "r", .type = 3904}};
  auto& comparison = against(recorded, "ROWS binary\n");
  comparison.columns(columns, false);
  comparison.row(Row{"258", "a", "{1,NULL}", "[1,3)"});
  EXPECT_EQ(out.differing, 0U);
  EXPECT_EQ(out.unread, 1U) << "a range";
  auto& other = against(recorded, "ROWS binary\n");
  other.columns(columns, false);
  other.row(Row{"259", "b", "{1,2}", std::nullopt});
  EXPECT_EQ(out.differing, 4U);
  EXPECT_EQ(out.differences[2].recorded, "{1,NULL}");
}

TEST_F(AnswerComparisonTest, AnswersThatEndNowhereDoNoHarm) {
  const std::string body = kTwoRows;
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    auto& comparison = against(body.substr(0, cut));
    comparison.columns(kIdAndName, true);
    comparison.row(Row{"1", "ann"});
    comparison.row(Row{"2", std::nullopt});
    comparison.tag("SELECT 2");
    comparison.finish();
    EXPECT_GT(out.differing, 0U) << cut;
  }
}

}  // namespace
}  // namespace sluice::control
