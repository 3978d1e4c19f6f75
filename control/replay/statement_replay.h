// The units of one recorded PostgreSQL session, each run at the other server as the record has it: statements, what was
// prepared and bound, COPY data. What is not run leaves nothing behind that a later unit could take for it, and where a
// transaction failed on the record it has failed at the server before the next unit runs. What the session asked in one
// pipeline outside of a transaction is one transaction here, too.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "control/replay/answer_comparison.h"
#include "control/replay/postgres_peer.h"
#include "control/replay/postgres_unit.h"
#include "control/replay/prepared_names.h"
#include "control/replay/replay.h"

namespace sluice::control {

class StatementReplay {
 public:
  // They outlive it.
  struct Terms {
    std::span<const rules::Rule> rules;
    const Redactor& redactor;
    int timeout_seconds;
    std::uint64_t policy_version;  // of the rules
  };
  using Report = std::function<void(ReplayedUnit)>;

  StatementReplay(const SessionRecords& records, PostgresPeer peer, const Terms& terms, Report report)
      : records_(records), peer_(std::move(peer)), terms_(terms), report_(std::move(report)) {}

  void replay(const Unit& unit);
  // No unit comes any more.
  void finish();

 private:
  static constexpr const char* kNoData = "the data that it copies is not on the record";

  struct Portal {
    std::string statement;
    std::uint32_t prepared_by = 0;  // the unit
    std::vector<BoundValue> values;
    std::size_t bytes = 0;
    bool has_run = false;
  };
  // What was sent and is not compared to its end: a statement that copies in, or of which more rows are asked for.
  struct UnderWay {
    std::string body;
    ReplayedUnit out;
    std::unique_ptr<AnswerComparison> comparison;
    bool has_columns = false;        // of its results, on the record
    bool is_part = false;            // it goes on where the Execute before stopped
    std::uint64_t bytes_before = 0;  // the server had sent
    std::uint64_t most_bytes = 0;    // that are read of its answer
  };

  // Of a pipeline that may be more than one statement; until that is known the first of them waits, and what follows
  // it.
  struct Pipeline {
    std::uint32_t number = 0;
    bool is_undecided = false;
    std::vector<Unit> waiting;    // while it is; at most kMostWaiting
    unsigned executes = 0;        // of them
    bool has_others = false;      // which are kept or undone with the first
    bool is_block = false;        // it runs in a transaction that was begun for it
    bool may_have_ended = false;  // the transaction, by what was run last
    std::string refused_with;     // at its Sync, on the record: a SQLSTATE
    std::uint32_t last_unit = 0;
  };

  // statement_pipelines.cc
  void take_unasked(const Unit& unit);
  void offer(const Unit& unit, const PostgresHead& head);
  void begin_pipeline();
  Result<void> leave_statement();
  Result<void> fail_where_due();
  Result<void> begin_block();
  void end_pipeline();
  Result<void> end_block();
  Result<void> refuse_block(const std::string& sqlstate);
  void report_end(const std::string& recorded, const std::string& refused);
  void lose(std::uint32_t unit, const char* what, const Error& error);
  void follow_tag(std::string_view tag);
  void follow_transaction(const PostgresHead& head);

  void take(const Unit& unit, const PostgresHead& head);
  [[nodiscard]] bool has_late_error(const Unit& unit, const PostgresHead& head) const;
  void replay(const Unit& unit, const PostgresHead& head);
  Result<void> run(const Unit& unit, const PostgresHead& head, ReplayedUnit& out);
  Result<void> query(const Unit& unit, ReplayedUnit& out);
  Result<void> parse(const Unit& unit, const PostgresHead& head, ReplayedUnit& out);
  Result<void> bind(const Unit& unit, const PostgresHead& head, ReplayedUnit& out);
  Result<void> execute(const Unit& unit, const PostgresHead& head, ReplayedUnit& out);
  Result<void> copy(const Unit& unit);

  bool has_room_for_portals();
  Result<std::string> request_body(const Unit& unit) const;
  Result<std::vector<BoundValue>> values_to_bind(const PostgresHead& head, const std::string& body);
  Result<std::vector<std::uint32_t>> parameter_types(const std::string& statement);
  Result<void> put_text(const Unit& unit);
  Result<void> put_values(const Unit& unit);
  Result<void> fail_as_recorded(const Unit& unit);
  Result<void> end_data(const std::string& why);
  Result<void> begin_comparing(const Unit& unit, const ReplayedUnit& out, bool has_columns);
  Result<bool> compare_results();
  [[nodiscard]] std::string why_enough() const;
  Result<bool> stop_comparing(const std::string& why);
  void compare_columns(const pg_result& result);
  void compare_row(const pg_result& result);
  void compare_error(const pg_result& result);
  Result<void> compare_copied();
  [[nodiscard]] ReplayedUnit compared();
  void forget(const PostgresHead& head);

  const SessionRecords& records_;
  PostgresPeer peer_;
  const Terms terms_;
  Report report_;
  PreparedNames prepared_;
  std::map<std::string, Portal> portals_;  // bounded; without values once they have run
  Pipeline pipeline_;
  UnderWay now_;
  bool takes_data_ = false;      // now_ copies in
  bool is_binary_copy_ = false;  // and the data is in the binary format
  bool has_more_rows_ = false;   // now_ was read in part, of more_rows_of_
  std::string more_rows_of_;     // a portal
  bool has_failed_ = false;      // on the record, a transaction by what came last
  bool is_lost_ = false;
};

}  // namespace sluice::control
