// What of a recorded session of PostgreSQL reaches the other server, where something of it is not run.
#include "control/replay/statement_replay.h"

#include <gtest/gtest.h>

#include "tests/unit/control/archive_fixture.h"
#include "tests/unit/control/recorded_texts.h"
#include "tests/unit/control/statement_server.h"

namespace sluice::control {
namespace {

using test::text;
using Heard = std::vector<std::string>;

constexpr SessionId kSession = 0x0005f00000000001;

std::string error_of(const std::string& sqlstate) {
  return text("ERROR") + text("ERROR") + text(sqlstate) + text("no");
}

class StatementReplayTest : public ::testing::Test {
 protected:
  // As the record has it, answered with `answer`, which left the transaction so (or, but for a Query, found it so).
  Unit& record(const std::string& head, const std::string& body, const std::string& answer, char transaction) {
    Unit unit;
    unit.number = static_cast<std::uint32_t>(units_.size());
    for (Message* const message : {&unit.request, &unit.response})
      message->present = message->ended = message->complete = true;
    unit.request.head = head + "\n";
    unit.request.body = body;
    unit.request.recorded_bytes = body.size();
    unit.response.head = "COMMAND\n";
    unit.response.body = answer;
    unit.response.recorded_bytes = answer.size();
    unit.response.transaction = static_cast<std::uint8_t>(transaction);
    units_.push_back(unit);
    return units_.back();
  }
  Unit& query(const std::string& sql, const std::string& answer, char transaction) {
    return record("QUERY", text(sql), answer, transaction);
  }
  Unit& parse(const std::string& name, const std::string& sql, char transaction = 'I') {
    return record("PARSE \"" + name + "\"", text(sql), "", transaction);
  }
  Unit& bind(const std::string& portal, const std::string& name, char transaction = 'I') {
    return record("BIND \"" + portal + "\" \"" + name + "\"", "", "", transaction);
  }
  Unit& execute(const std::string& portal, char transaction = 'I') {
    return record("EXECUTE \"" + portal + "\"", "", text("DONE"), transaction);
  }
  // Asked in this one, before which there was no transaction.
  static Unit& in(std::uint32_t pipeline, Unit& unit) {
    unit.response.pipeline = pipeline;
    return unit;
  }
  void statement(std::uint32_t pipeline, const std::string& sql) {
    in(pipeline, parse("", sql));
    in(pipeline, bind("", ""));
    in(pipeline, execute(""));
  }
  static void deny(Unit& unit) {
    unit.request.verdict = Verdict::deny;
    unit.request.complete = false;
  }
  static void refuse(Unit& unit, const std::string& sqlstate) {  // by the server
    unit.response.body = error_of(sqlstate);
    unit.response.recorded_bytes = unit.response.body.size();
  }
  static void skip(Unit& unit) {  // by the server
    unit.response.complete = false;
    unit.response.error = ErrorCode::postgres_skipped;
    unit.response.body.clear();
  }
  // The unit has none of its answer, only the record does.
  void cut(Unit& unit) {
    const std::string answer = std::exchange(unit.response.body, {});
    for (const auto& one : {maker_.slice(kSession, unit.number, Direction::response, 0, answer),
                            maker_.end(kSession, unit.number, Direction::response, answer.size())})
      answers_.push_back(one);
  }
  // What the server was to do.
  Heard replay() {
    answers_.insert(answers_.begin(), maker_.open(kSession));
    archive_.block(answers_).seal();
    archive_.refresh();
    const auto records = SessionRecords::open(archive_.index(), kSession);
    EXPECT_TRUE(records);
    for (Unit& unit : units_)
      if (unit.response.body.size() < unit.response.recorded_bytes) unit.response.place = records->begin();
    const auto redactor = Redactor::make({});
    PostgresTarget target;
    target.user = target.database = "ann";
    target.sslmode = "disable";
    target.options = "-c search_path=a";
    const std::atomic<bool> stopping{false};
    auto peer = PostgresPeer::connect(
        {.address = server_.target(), .target = target, .passfile = "", .session = session_}, stopping);
    EXPECT_TRUE(peer && records && redactor);
    {
      StatementReplay replay(*records, std::move(*peer), {{}, *redactor, timeout_seconds_, 0},
                             [&](ReplayedUnit unit) { told_.push_back(std::move(unit)); });
      for (const Unit& unit : units_) replay.replay(unit);
      replay.finish();
    }
    return server_.heard();
  }
  [[nodiscard]] std::string outcomes() const {
    std::string out;
    for (const ReplayedUnit& unit : told_) out.append(out.empty() ? "" : " ").append(replay_outcome_name(unit.outcome));
    return out;
  }

  test::StatementServer server_;
  PostgresPeer::SessionSettings session_;
  int timeout_seconds_ = 30;
  std::vector<Unit> units_;
  std::vector<ReplayedUnit> told_;

 private:
  test::Archive archive_;
  test::RecordMaker maker_;
  std::vector<test::RecordMaker::Record> answers_;
};

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

TEST_F(StatementReplayTest, WhatAnErrorOfItsPipelineUndidIsUndone) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  in(1, parse("", "refused"));
  in(1, bind("", ""));
  refuse(in(1, execute("")), "42601");
  skip(parse("", "insert 3"));
  statement(2, "insert 4");
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2",
                             "prepare : refused", "refused", "commit", "prepare : insert 4", "insert 4"}));
  EXPECT_EQ(outcomes(), "same same same same same same same same same skipped same same same");
}

TEST_F(StatementReplayTest, SoIsAPipelineOfWhichTheServerTakesWhatProductionRefused) {
  statement(1, "insert 1");
  in(1, parse("", "insert 2"));
  in(1, bind("", ""));
  refuse(in(1, execute("")), "23505");
  query("insert 3", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2",
                             "refused by policy", "commit", "insert 3"}));
  EXPECT_EQ(outcomes(), "same same same same same different same");
}

TEST_F(StatementReplayTest, APipelineThatWasKeptIsKeptAsOne) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2", "commit"}));
}

TEST_F(StatementReplayTest, APipelineThatIsNotKeptIsTold) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  server_.break_off_at("commit");
  (void)replay();
  ASSERT_EQ(outcomes(), "same same same same same same failed");
  EXPECT_EQ(told_[6].request_line, "the end of its pipeline");
  EXPECT_FALSE(told_[6].reason.empty());
}

TEST_F(StatementReplayTest, SoIsOneThatDoesNotBegin) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  server_.break_off_at("begin");
  EXPECT_EQ(replay().back(), "begin");
  EXPECT_NE(outcomes().find("failed skipped"), std::string::npos) << outcomes();
}

TEST_F(StatementReplayTest, WhatTheSyncRefusedIsNotKept) {
  statement(1, "insert 1");
  Unit& sync = record("", "", error_of("23503"), 'I');
  sync.request = {};
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "set constraints all immediate",
                             "refused by policy", "commit", "insert 2"}));
  EXPECT_EQ(outcomes(), "same same same different same");
  EXPECT_EQ(told_[3].unit, 3U);
}

TEST_F(StatementReplayTest, WhatBothRefuseThereIsTheSame) {
  statement(1, "insert 1");
  statement(1, "defer");
  record("", "", error_of("23503"), 'I').request = {};
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : defer", "defer",
                             "set constraints all immediate", "commit"}));
  EXPECT_EQ(outcomes(), "same same same same same same same");
}

TEST_F(StatementReplayTest, TheEndOfAServerUndoesNoPipeline) {
  statement(1, "insert 1");
  record("", "", text("FATAL") + text("FATAL") + text("57P01") + text("no"), 'I').request = {};
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "insert 1"}));
}

TEST_F(StatementReplayTest, OneStatementIsNoPipeline) {
  query("insert 0", error_of("23505"), 'I').response.pipeline = 1;
  statement(2, "insert 1");
  statement(3, "insert 2");
  EXPECT_EQ(replay(), (Heard{"insert 0", "prepare : insert 1", "insert 1", "prepare : insert 2", "insert 2"}));
}

TEST_F(StatementReplayTest, OneStatementIsUndoneByWhatElseFailsInItsPipeline) {
  statement(1, "insert 1");
  refuse(in(1, parse("", "refused")), "42601");
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : refused", "refused by policy",
                             "commit", "insert 2"}));
}

TEST_F(StatementReplayTest, ByAQueryBeforeItsSyncLikewise) {
  statement(1, "insert 1");
  query("refused", error_of("42601"), 'I').response.pipeline = 1;
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "refused", "commit", "insert 2"}));
}

TEST_F(StatementReplayTest, WhatWaitsForASecondStatementHasALimit) {
  for (int i = 0; i < 200; ++i) in(1, parse("", "before"));
  statement(1, "insert 1");
  for (int i = 0; i < 200; ++i) in(1, parse("", "between"));
  in(1, bind("", ""));
  refuse(in(1, execute("")), "23505");
  const Heard heard = replay();
  ASSERT_EQ(heard.size(), 406U);
  EXPECT_EQ(heard[200], "prepare : insert 1");
  EXPECT_EQ(heard[201], "begin");
  EXPECT_EQ(heard[202], "insert 1");
  EXPECT_EQ(heard[404], "refused by policy");
  EXPECT_EQ(heard[405], "commit");
}

TEST_F(StatementReplayTest, ManyAnswersBeforeOneStatementBeginNothing) {
  for (int i = 0; i < 200; ++i) in(1, parse("", "before"));
  statement(1, "vacuum");
  const Heard heard = replay();
  ASSERT_EQ(heard.size(), 202U);
  EXPECT_EQ(heard[201], "vacuum");
}

TEST_F(StatementReplayTest, WhatFailedBeforeAPipelineDoesNotFailIt) {
  query("insert 0", error_of("23505"), 'I').response.pipeline = 1;
  statement(2, "insert 1");
  statement(2, "insert 2");
  EXPECT_EQ(replay(),
            (Heard{"insert 0", "prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2", "commit"}));
}

TEST_F(StatementReplayTest, ATransactionThatBeginsInAPipelineGoesOnBehindIt) {
  statement(1, "begin");
  statement(1, "insert 1");
  for (Unit* const unit : {&units_[2], &units_[5]}) unit->response.transaction = 'I';
  query("insert 2", text("DONE"), 'T').response.pipeline = 2;
  query("commit", text("COMMIT"), 'I').response.pipeline = 3;
  EXPECT_EQ(replay(),
            (Heard{"prepare : begin", "begin", "begin", "prepare : insert 1", "insert 1", "insert 2", "commit"}));
}

TEST_F(StatementReplayTest, BehindACommitThePipelineIsAnotherTransaction) {
  query("begin", text("BEGIN"), 'T').response.pipeline = 1;
  for (const char* const sql : {"commit", "insert 1", "insert 2"}) {
    in(2, parse("", sql, 'T'));
    in(2, bind("", "", 'T'));
    in(2, execute("", 'T'));
  }
  units_[3].response.body = text("COMMIT");
  units_[3].response.recorded_bytes = units_[3].response.body.size();
  refuse(units_.back(), "23505");
  query("insert 3", text("DONE"), 'I').response.pipeline = 3;
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : commit", "commit", "prepare : insert 1", "begin", "insert 1",
                             "prepare : insert 2", "insert 2", "refused by policy", "commit", "insert 3"}));
}

TEST_F(StatementReplayTest, SoItIsBehindATransactionThatItBegan) {
  for (const char* const sql : {"begin", "commit", "insert 1", "insert 2"}) statement(1, sql);
  units_[2].response.body = text("BEGIN");
  units_[5].response.body = text("COMMIT");
  for (const int i : {2, 5}) units_[i].response.recorded_bytes = units_[i].response.body.size();
  refuse(units_.back(), "23505");
  EXPECT_EQ(replay(), (Heard{"prepare : begin", "begin", "begin", "prepare : commit", "commit", "prepare : insert 1",
                             "begin", "insert 1", "prepare : insert 2", "insert 2", "refused by policy", "commit"}));
  EXPECT_EQ(outcomes(), "same same same same same same same same same same same different");
}

TEST_F(StatementReplayTest, BehindASavepointItIsTheSame) {
  query("begin", text("BEGIN"), 'T').response.pipeline = 1;
  for (const char* const sql : {"rollback to a", "insert 1", "insert 2"}) {
    in(2, parse("", sql, 'T'));
    in(2, bind("", "", 'T'));
    in(2, execute("", 'T'));
  }
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : rollback to a", "rollback to a", "prepare : insert 1", "insert 1",
                             "prepare : insert 2", "insert 2"}));
}

TEST_F(StatementReplayTest, InATransactionAPipelineIsNoOther) {
  query("begin", text("BEGIN"), 'T').response.pipeline = 1;
  for (const char* const sql : {"insert 1", "insert 2"}) {
    in(2, parse("", sql, 'T'));
    in(2, bind("", "", 'T'));
    in(2, execute("", 'T'));
  }
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : insert 1", "insert 1", "prepare : insert 2", "insert 2"}));
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
