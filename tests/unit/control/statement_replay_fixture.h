// A session of PostgreSQL put together unit by unit, replayed to a server that notes what it is to do.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "control/replay/statement_replay.h"
#include "tests/unit/control/archive_fixture.h"
#include "tests/unit/control/recorded_texts.h"
#include "tests/unit/control/statement_server.h"

namespace sluice::control::test {

using Heard = std::vector<std::string>;

inline constexpr SessionId kSession = 0x0005f00000000001;

inline std::string error_of(const std::string& sqlstate) {
  return text("ERROR") + text("ERROR") + text(sqlstate) + text("no");
}

class SessionReplayTest : public ::testing::Test {
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

  StatementServer server_;
  PostgresPeer::SessionSettings session_;
  int timeout_seconds_ = 30;
  std::vector<Unit> units_;
  std::vector<ReplayedUnit> told_;

 private:
  Archive archive_;
  RecordMaker maker_;
  std::vector<RecordMaker::Record> answers_;
};

}  // namespace sluice::control::test
