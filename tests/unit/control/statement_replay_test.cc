// What of a recorded session of PostgreSQL reaches the other server, where something of it is not run.
#include "control/replay/statement_replay.h"

#include <gtest/gtest.h>

#include "tests/unit/control/statement_replay_fixture.h"

namespace sluice::control {
namespace {

using test::error_of;
using test::Heard;
using test::text;

class StatementReplayTest : public test::SessionReplayTest {};

TEST_F(StatementReplayTest, WhatProductionRefusedInAFailedTransactionIsNotCommitted) {
  query("begin", text("BEGIN"), 'T');
  query("insert 1", text("DONE"), 'T');
  deny(query("drop", error_of("42501"), 'E'));
  query("insert 2", error_of("25P02"), 'E');
  query("commit", text("ROLLBACK"), 'I');
  query("insert 3", text("DONE"), 'I');
  EXPECT_EQ(replay(), (Heard{"begin", "insert 1", "refused by policy", "insert 2", "commit", "insert 3"}));
  EXPECT_EQ(outcomes(), "same same skipped same same same") << "the commit rolled back, as on the record";
}

TEST_F(StatementReplayTest, OfAPipelineLikewise) {
  query("begin", text("BEGIN"), 'T');
  deny(parse("", "drop", 'T'));
  skip(bind("", "", 'T'));
  skip(execute("", 'T'));
  query("commit", text("ROLLBACK"), 'I');
  EXPECT_EQ(replay(), (Heard{"begin", "refused by policy", "commit"}));
  EXPECT_EQ(outcomes(), "same skipped skipped skipped same");
}

TEST_F(StatementReplayTest, WhatTheServerAcceptsAgainstTheRecordIsNotCommittedEither) {
  query("begin", text("BEGIN"), 'T');
  query("insert 1", error_of("23505"), 'E');
  query("commit", text("ROLLBACK"), 'I');
  EXPECT_EQ(replay(), (Heard{"begin", "insert 1", "refused by policy", "commit"}));
  EXPECT_EQ(outcomes(), "same different same");
}

// Its reason is not on the record, but what it did is.
TEST_F(StatementReplayTest, SoIsAnErrorBehindManyRows) {
  query("begin", text("BEGIN"), 'T');
  parse("", "insert 1", 'T');
  bind("", "", 'T');
  Unit& rows = execute("", 'T');
  rows.response.body = test::value("1") + test::row_end(1) + error_of("22012");
  rows.response.recorded_bytes = rows.response.body.size();
  cut(rows);
  query("insert 2", text("DONE"), 'T');
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : insert 1", "insert 1", "refused by policy", "insert 2"}));
}

TEST_F(StatementReplayTest, ACommitThatRolledBackRollsBack) {
  query("begin", text("BEGIN"), 'T');
  query("commit", text("ROLLBACK"), 'I');
  EXPECT_EQ(replay(), (Heard{"begin", "refused by policy", "commit"}));
  EXPECT_EQ(outcomes(), "same same");
}

TEST_F(StatementReplayTest, WhatWasRefusedInAFailedTransactionIsNotRunOutsideOfAny) {
  query("insert 1", error_of("25P02"), 'E');
  EXPECT_EQ(replay(), Heard{});
  EXPECT_EQ(outcomes(), "skipped");
}

TEST_F(StatementReplayTest, OutsideOfATransactionNothingFails) {
  deny(query("drop", error_of("42501"), 'I'));
  query("insert 1", text("DONE"), 'I');
  EXPECT_EQ(replay(), Heard{"insert 1"});
}

TEST_F(StatementReplayTest, DataThatWasDeniedFailsItsCopy) {
  query("begin", text("BEGIN"), 'T');
  query("copy t", error_of("57014"), 'E');
  Unit& data = record("COPY", text("1"), "", 'T');
  deny(data);
  query("commit", text("ROLLBACK"), 'I');
  EXPECT_EQ(replay(), (Heard{"begin", "copy t", "the data fails", "commit"}));
  EXPECT_EQ(outcomes(), "same skipped skipped same");
}

TEST_F(StatementReplayTest, ABindThatWasRefusedIsNotRun) {
  parse("s", "insert 1");
  refuse(bind("", "s"), "22P02");
  skip(execute(""));
  EXPECT_EQ(replay(), Heard{"prepare s: insert 1"});
  EXPECT_EQ(outcomes(), "same skipped skipped");
}

TEST_F(StatementReplayTest, ANameWhoseNewStatementWasNotRunRunsNoOldOne) {
  parse("s", "insert 1");
  deny(parse("s", "drop"));
  bind("", "s");
  execute("");
  parse("s", "insert 2");
  bind("", "s");
  execute("");
  EXPECT_EQ(replay(), (Heard{"prepare s: insert 1", "deallocate \"s\"", "prepare s: insert 2", "insert 2"}));
  EXPECT_EQ(outcomes(), "same skipped skipped skipped same same same");
}

TEST_F(StatementReplayTest, AStatementThatProductionRefusedTakesNoName) {
  parse("s", "insert 1");
  refuse(parse("s", "insert 2"), "42P05");
  bind("", "s");
  execute("");
  refuse(parse("t", "insert 3"), "42601");
  bind("", "t");
  execute("");
  EXPECT_EQ(replay(), (Heard{"prepare s: insert 1", "prepare s: insert 2", "insert 1", "prepare t: insert 3"}));
  EXPECT_EQ(outcomes(), "same same same same different skipped skipped");
}

// A server that is asked to drop what is not there fails the transaction.
TEST_F(StatementReplayTest, WhatTheSessionDroppedIsNotDroppedAgain) {
  parse("s", "insert 1");
  parse("t", "insert 2");
  query("deallocate \"s\"", text("DEALLOCATE"), 'I');
  query("begin", text("BEGIN"), 'T');
  parse("s", "insert 3", 'T');
  parse("t", "insert 4", 'T');
  bind("", "s", 'T');
  execute("", 'T');
  query("commit", text("COMMIT"), 'I');
  query("discard all", text("DISCARD ALL"), 'I');
  parse("t", "insert 5");
  const std::string asks = "select name from pg_catalog.pg_prepared_statements";
  EXPECT_EQ(replay(), (Heard{"prepare s: insert 1", "prepare t: insert 2", "deallocate \"s\"", "begin", asks,
                             "prepare s: insert 3", "deallocate \"t\"", "prepare t: insert 4", "insert 3", "commit",
                             "discard all", asks, "prepare t: insert 5"}));
  EXPECT_EQ(outcomes(), "same same same same same same same same same same same");
}

TEST_F(StatementReplayTest, OfManyStatementsThoseThatWereUsedLastAreKept) {
  constexpr std::size_t kMost = PreparedNames::kMost;
  for (std::size_t i = 0; i < kMost; ++i) parse(std::to_string(i), "insert 1");
  bind("", "0");
  parse("one more", "insert 2");
  bind("", "0");
  bind("", "1");
  const Heard heard = replay();
  ASSERT_EQ(heard.size(), kMost + 2);
  EXPECT_EQ(heard[kMost], "deallocate \"1\"") << "0 was used since";
  EXPECT_EQ(heard[kMost + 1], "prepare one more: insert 2");
  ASSERT_EQ(told_.size(), kMost + 4);
  EXPECT_EQ(told_[kMost + 2].outcome, ReplayOutcome::same);
  EXPECT_EQ(told_[kMost + 3].reason, "its statement was not prepared");
}

TEST_F(StatementReplayTest, APortalRunsTheStatementThatItWasBoundTo) {
  parse("", "insert 1");
  bind("a", "");
  parse("", "insert 2");
  execute("a");
  deny(bind("a", ""));
  execute("a");
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "prepare : insert 2"}));
  EXPECT_EQ(outcomes(), "same same same skipped skipped skipped");
}

TEST_F(StatementReplayTest, PortalsGoWithTheirTransaction) {
  query("begin", text("BEGIN"), 'T');
  parse("s", "insert 1", 'T');
  bind("a", "s", 'T');
  query("commit", text("COMMIT"), 'I');
  execute("a");
  EXPECT_EQ(replay(), (Heard{"begin", "prepare s: insert 1", "commit"}));
  EXPECT_EQ(outcomes(), "same same same same skipped");
}

TEST_F(StatementReplayTest, BoundPortalsAndTheirValuesHaveALimit) {
  parse("s", "insert 1");
  std::string bytes;
  bytes.resize(15'000'000, 'x');
  const std::string large = test::value(bytes);
  for (int i = 0; i < 5; ++i) record("BIND \"" + std::to_string(i) + "\" \"s\"", large, "", 'I');
  EXPECT_EQ(replay(), Heard{"prepare s: insert 1"});
  EXPECT_EQ(outcomes(), "same same same same same skipped");
}

TEST_F(StatementReplayTest, WhatHasRunMakesRoomForWhatIsBound) {
  parse("s", "insert 1");
  for (int i = 0; i < 1024; ++i) bind(std::to_string(i), "s");
  bind("one more", "s");
  execute("0");
  bind("another", "s");
  const Heard heard = {"prepare s: insert 1", "insert 1"};
  EXPECT_EQ(replay(), heard);
  ASSERT_EQ(told_.size(), 1028U);
  EXPECT_EQ(told_[1025].reason, "more values are bound than a replay keeps");
  EXPECT_EQ(told_[1027].outcome, ReplayOutcome::same);
}

TEST_F(StatementReplayTest, RowsWithoutEndAreCancelled) {
  query("flood 10", text("n") + test::value("xxxxxxxxxx") + test::row_end(1) + text("SELECT 1"), 'I');
  query("insert 1", text("DONE"), 'I');
  EXPECT_EQ(replay(), (Heard{"flood 10", "insert 1"}));
  EXPECT_EQ(outcomes(), "different same");
  EXPECT_EQ(server_.asked_beside(),
            "select case when pg_catalog.pg_backend_pid() = 2 then pg_catalog.pg_cancel_backend(1) end");
  const ValuesCompared& values = told_[0].values;
  EXPECT_EQ(values.values, 2U) << "the name of the column and the one value";
  EXPECT_EQ(values.differing, 10'002U);
  EXPECT_EQ(values.differences.at(0).where, "row 2");
  EXPECT_EQ(values.differences.back().replayed, "more than 10000 rows above those on the record; it was cancelled");
}

TEST_F(StatementReplayTest, WhatTheSessionHadSetIsNotSetWhereItIsCancelled) {
  session_ = {.options = "-c role=ben", .client_encoding = "LATIN1", .application_name = "shop"};
  query("flood 1000000", text("n") + text("SELECT 0"), 'I');
  (void)replay();
  const std::string& began = server_.began_beside();
  EXPECT_NE(began.find("-c search_path=a"), std::string::npos) << "as the target says";
  for (const char* const one : {"ben", "LATIN1", "shop"}) EXPECT_EQ(began.find(one), std::string::npos) << one;
}

TEST_F(StatementReplayTest, WhatIsNotWaitedForIsCancelled) {
  timeout_seconds_ = 1;
  query("sleep", text("DONE"), 'I');
  query("insert 1", text("DONE"), 'I');
  EXPECT_EQ(replay(), Heard{"sleep"});
  EXPECT_EQ(outcomes(), "failed skipped");
  EXPECT_NE(server_.asked_beside().find("pg_cancel_backend(1)"), std::string::npos);
}

TEST_F(StatementReplayTest, SoAreTooManyBytes) {
  const std::string rows = text("n") + test::mark(Item::left_out, 100) + text("SELECT 100");
  query("flood 1000000", rows, 'I');
  EXPECT_EQ(replay(), Heard{"flood 1000000"});
  ASSERT_EQ(outcomes(), "different");
  EXPECT_LE(told_[0].values.rows, 74U) << "64 MiB, and 64 KiB for each row, of which some wait to be read";
  EXPECT_GT(told_[0].values.rows, 30U);
}

TEST_F(StatementReplayTest, ColumnsThatLookLikeRowsLeftOutAllowNoMoreBytes) {
  const std::string rows =
      text("n") + test::mark(Item::left_out, 100) + test::mark(Item::left_out, ~0U) + text("SELECT 100");
  query("flood 1000000", rows, 'I').response.rows = 100;
  EXPECT_EQ(replay(), Heard{"flood 1000000"});
  ASSERT_EQ(outcomes(), "different");
  EXPECT_LE(told_[0].values.rows, 74U);
}

}  // namespace
}  // namespace sluice::control
