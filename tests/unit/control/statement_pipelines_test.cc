// What a recorded session of PostgreSQL asked in one pipeline is kept or undone as it was.
#include "control/replay/statement_replay.h"

#include <gtest/gtest.h>

#include "tests/unit/control/statement_replay_fixture.h"

namespace sluice::control {
namespace {

using test::error_of;
using test::Heard;
using test::text;

class StatementPipelinesTest : public test::SessionReplayTest {};

TEST_F(StatementPipelinesTest, WhatAnErrorOfItsPipelineUndidIsUndone) {
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

TEST_F(StatementPipelinesTest, SoIsAPipelineOfWhichTheServerTakesWhatProductionRefused) {
  statement(1, "insert 1");
  in(1, parse("", "insert 2"));
  in(1, bind("", ""));
  refuse(in(1, execute("")), "23505");
  query("insert 3", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2",
                             "refused by policy", "commit", "insert 3"}));
  EXPECT_EQ(outcomes(), "same same same same same different same");
}

TEST_F(StatementPipelinesTest, APipelineThatWasKeptIsKeptAsOne) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2", "commit"}));
}

TEST_F(StatementPipelinesTest, APipelineThatIsNotKeptIsTold) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  server_.break_off_at("commit");
  (void)replay();
  ASSERT_EQ(outcomes(), "same same same same same same failed");
  EXPECT_EQ(told_[6].request_line, "the end of its pipeline");
  EXPECT_FALSE(told_[6].reason.empty());
}

TEST_F(StatementPipelinesTest, SoIsOneThatDoesNotBegin) {
  statement(1, "insert 1");
  statement(1, "insert 2");
  server_.break_off_at("begin");
  EXPECT_EQ(replay().back(), "begin");
  EXPECT_NE(outcomes().find("failed skipped"), std::string::npos) << outcomes();
}

TEST_F(StatementPipelinesTest, WhatTheSyncRefusedIsNotKept) {
  statement(1, "insert 1");
  Unit& sync = record("", "", error_of("23503"), 'I');
  sync.request = {};
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "set constraints all immediate",
                             "refused by policy", "commit", "insert 2"}));
  EXPECT_EQ(outcomes(), "same same same different same");
  EXPECT_EQ(told_[3].unit, 3U);
}

TEST_F(StatementPipelinesTest, WhatBothRefuseThereIsTheSame) {
  statement(1, "insert 1");
  statement(1, "defer");
  record("", "", error_of("23503"), 'I').request = {};
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : defer", "defer",
                             "set constraints all immediate", "commit"}));
  EXPECT_EQ(outcomes(), "same same same same same same same");
}

TEST_F(StatementPipelinesTest, TheEndOfAServerUndoesNoPipeline) {
  statement(1, "insert 1");
  record("", "", text("FATAL") + text("FATAL") + text("57P01") + text("no"), 'I').request = {};
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "insert 1"}));
}

TEST_F(StatementPipelinesTest, OneStatementIsNoPipeline) {
  query("insert 0", error_of("23505"), 'I').response.pipeline = 1;
  statement(2, "insert 1");
  statement(3, "insert 2");
  EXPECT_EQ(replay(), (Heard{"insert 0", "prepare : insert 1", "insert 1", "prepare : insert 2", "insert 2"}));
}

TEST_F(StatementPipelinesTest, OneStatementIsUndoneByWhatElseFailsInItsPipeline) {
  statement(1, "insert 1");
  refuse(in(1, parse("", "refused")), "42601");
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "prepare : refused", "refused by policy",
                             "commit", "insert 2"}));
}

TEST_F(StatementPipelinesTest, ByAQueryBeforeItsSyncLikewise) {
  statement(1, "insert 1");
  query("refused", error_of("42601"), 'I').response.pipeline = 1;
  query("insert 2", text("DONE"), 'I').response.pipeline = 2;
  EXPECT_EQ(replay(), (Heard{"prepare : insert 1", "begin", "insert 1", "refused", "commit", "insert 2"}));
}

TEST_F(StatementPipelinesTest, WhatWaitsForASecondStatementHasALimit) {
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

TEST_F(StatementPipelinesTest, ManyAnswersBeforeOneStatementBeginNothing) {
  for (int i = 0; i < 200; ++i) in(1, parse("", "before"));
  statement(1, "vacuum");
  const Heard heard = replay();
  ASSERT_EQ(heard.size(), 202U);
  EXPECT_EQ(heard[201], "vacuum");
}

TEST_F(StatementPipelinesTest, WhatFailedBeforeAPipelineDoesNotFailIt) {
  query("insert 0", error_of("23505"), 'I').response.pipeline = 1;
  statement(2, "insert 1");
  statement(2, "insert 2");
  EXPECT_EQ(replay(),
            (Heard{"insert 0", "prepare : insert 1", "begin", "insert 1", "prepare : insert 2", "insert 2", "commit"}));
}

TEST_F(StatementPipelinesTest, ATransactionThatBeginsInAPipelineGoesOnBehindIt) {
  statement(1, "begin");
  statement(1, "insert 1");
  for (Unit* const unit : {&units_[2], &units_[5]}) unit->response.transaction = 'I';
  query("insert 2", text("DONE"), 'T').response.pipeline = 2;
  query("commit", text("COMMIT"), 'I').response.pipeline = 3;
  EXPECT_EQ(replay(),
            (Heard{"prepare : begin", "begin", "begin", "prepare : insert 1", "insert 1", "insert 2", "commit"}));
}

TEST_F(StatementPipelinesTest, BehindACommitThePipelineIsAnotherTransaction) {
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

TEST_F(StatementPipelinesTest, SoItIsBehindATransactionThatItBegan) {
  for (const char* const sql : {"begin", "commit", "insert 1", "insert 2"}) statement(1, sql);
  units_[2].response.body = text("BEGIN");
  units_[5].response.body = text("COMMIT");
  for (const int i : {2, 5}) units_[i].response.recorded_bytes = units_[i].response.body.size();
  refuse(units_.back(), "23505");
  EXPECT_EQ(replay(), (Heard{"prepare : begin", "begin", "begin", "prepare : commit", "commit", "prepare : insert 1",
                             "begin", "insert 1", "prepare : insert 2", "insert 2", "refused by policy", "commit"}));
  EXPECT_EQ(outcomes(), "same same same same same same same same same same same different");
}

TEST_F(StatementPipelinesTest, BehindASavepointItIsTheSame) {
  query("begin", text("BEGIN"), 'T').response.pipeline = 1;
  for (const char* const sql : {"rollback to a", "insert 1", "insert 2"}) {
    in(2, parse("", sql, 'T'));
    in(2, bind("", "", 'T'));
    in(2, execute("", 'T'));
  }
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : rollback to a", "rollback to a", "prepare : insert 1", "insert 1",
                             "prepare : insert 2", "insert 2"}));
}

TEST_F(StatementPipelinesTest, InATransactionAPipelineIsNoOther) {
  query("begin", text("BEGIN"), 'T').response.pipeline = 1;
  for (const char* const sql : {"insert 1", "insert 2"}) {
    in(2, parse("", sql, 'T'));
    in(2, bind("", "", 'T'));
    in(2, execute("", 'T'));
  }
  EXPECT_EQ(replay(), (Heard{"begin", "prepare : insert 1", "insert 1", "prepare : insert 2", "insert 2"}));
}

}  // namespace
}  // namespace sluice::control
