// What the session asked in one pipeline, as one transaction where it was one: see statement_replay.h. PostgreSQL's
// manual, "Pipelining": what comes up to one Sync is kept or undone together, unless it begins or ends a transaction.
#include <algorithm>
#include <array>
#include <utility>

#include "control/replay/statement_replay.h"

namespace sluice::control {
namespace {

constexpr std::size_t kMostWaiting = 100;
constexpr const char* kBegin = "the beginning of its pipeline";
constexpr const char* kEnd = "the end of its pipeline";

// What makes more of a pipeline than the statement that came before: it would not be kept where this failed. Data
// belongs to its statement.
bool is_another(const Unit& unit, const PostgresHead& head) {
  if (head.kind == "EXECUTE" || head.kind == "COPY") return false;
  return head.kind == "QUERY" || head.kind == "FUNCTION" || fails_transaction(unit, head);
}

}  // namespace

void StatementReplay::replay(const Unit& unit) {
  if (!unit.request.present || unit.request.head.empty()) return take_unasked(unit);
  const PostgresHead head = parse_postgres_head(unit.request.head);
  const std::uint32_t pipeline = unit.response.pipeline;  // of what the server skipped, not known
  if (pipeline != 0 && pipeline != pipeline_.number) {
    end_pipeline();
    pipeline_.number = pipeline;
    pipeline_.is_undecided = unit.response.transaction == 'I' && head.kind != "QUERY";
  }
  offer(unit, head);
}

// An error that nobody asked for is that of a Sync, which is no unit: what waited for the end was refused there. The
// others, like the end of a server, are fatal and undo nothing.
void StatementReplay::take_unasked(const Unit& unit) {
  RecordedItems items(unit.response.body);
  if (!is_report(items, control::Report::error) || items.at(1)->bytes != "ERROR") return;
  pipeline_.has_others = pipeline_.executes > 0;
  if (pipeline_.is_undecided && pipeline_.has_others) begin_pipeline();
  pipeline_.has_others = false;
  if (!pipeline_.is_block) return;
  pipeline_.refused_with = items.at(2)->bytes;
  pipeline_.last_unit = unit.number;
}

// What comes before the first Execute changes nothing that an error could undo.
void StatementReplay::offer(const Unit& unit, const PostgresHead& head) {
  const bool is_execute = head.kind == "EXECUTE";
  if (!pipeline_.is_undecided || (pipeline_.executes == 0 && !is_execute)) return take(unit, head);
  pipeline_.waiting.push_back(unit);
  if (is_execute) ++pipeline_.executes;
  pipeline_.has_others |= is_another(unit, head);
  if (pipeline_.executes == 2 || pipeline_.has_others || pipeline_.waiting.size() == kMostWaiting) begin_pipeline();
}

// Many a statement can run only where no transaction was begun, so one by itself has none.
void StatementReplay::begin_pipeline() {
  pipeline_.is_undecided = false;
  const bool is_full = pipeline_.waiting.size() == kMostWaiting;
  const bool is_one = std::exchange(pipeline_.executes, 0) < 2 && !std::exchange(pipeline_.has_others, false);
  if ((!is_one || is_full) && !is_lost_)
    if (const auto begun = begin_block(); !begun) lose(pipeline_.waiting.front().number, kBegin, begun.error());
  for (const Unit& unit : std::exchange(pipeline_.waiting, {})) offer(unit, parse_postgres_head(unit.request.head));
}

// What came before is over.
Result<void> StatementReplay::leave_statement() {
  peer_.be_patient(terms_.timeout_seconds);
  has_more_rows_ = false;
  return end_data(kNoData);
}

Result<void> StatementReplay::fail_where_due() {
  if (!std::exchange(has_failed_, false)) return {};
  const auto failed = peer_.fail_transaction();
  return failed ? Result<void>() : std::unexpected(failed.error());
}

Result<void> StatementReplay::begin_block() {
  if (auto left = leave_statement(); !left) return left;
  if (auto failed = fail_where_due(); !failed) return failed;
  const auto begun = peer_.begin_transaction();
  if (!begun) return std::unexpected(begun.error());
  pipeline_.is_block = *begun;
  return {};
}

void StatementReplay::end_pipeline() {
  if (pipeline_.is_undecided) begin_pipeline();
  if (!std::exchange(pipeline_.is_block, false) || is_lost_) return;
  if (const auto ended = end_block(); !ended) lose(pipeline_.last_unit, kEnd, ended.error());
}

// What ran in it is not kept, or nobody knows.
void StatementReplay::lose(std::uint32_t unit, const char* what, const Error& error) {
  is_lost_ = true;
  takes_data_ = false;
  peer_.give_up();
  ReplayedUnit out;
  out.unit = unit;
  out.request_line = what;
  out.outcome = ReplayOutcome::failed;
  out.reason = terms_.redactor.redact(error.message());
  report_(std::move(out));
}

// It is kept where the server kept it, at the Sync that is no unit. Constraints that wait for the end are told there.
Result<void> StatementReplay::end_block() {
  if (auto left = leave_statement(); !left) return left;
  if (const std::string sqlstate = std::exchange(pipeline_.refused_with, {}); !sqlstate.empty())
    if (auto refused = refuse_block(sqlstate); !refused) return refused;
  if (auto failed = fail_where_due(); !failed) return failed;
  const auto refused = peer_.commit_transaction();
  if (!refused) return std::unexpected(refused.error());
  if (!refused->empty()) report_end("", *refused);
  return {};
}

// What the server did not keep is not kept: here it is refused before the end, or by policy.
Result<void> StatementReplay::refuse_block(const std::string& sqlstate) {
  const auto refused = peer_.check_constraints();
  if (!refused) return std::unexpected(refused.error());
  report_end(sqlstate, *refused);
  has_failed_ = true;
  return {};
}

void StatementReplay::report_end(const std::string& recorded, const std::string& refused) {
  const bool is_same = recorded.empty() == refused.empty();
  ReplayedUnit out;
  out.unit = pipeline_.last_unit;
  out.request_line = kEnd;
  out.outcome = is_same ? ReplayOutcome::same : ReplayOutcome::different;
  out.values.differing = is_same ? 0 : 1;
  if (!is_same) out.values.differences = {{"the end", recorded, terms_.redactor.redact(refused)}};
  report_(std::move(out));
}

// What begins a transaction makes another of that of its pipeline, which ends by itself.
void StatementReplay::follow_tag(std::string_view tag) {
  constexpr std::array<std::string_view, 3> kEnds = {"COMMIT", "ROLLBACK", "PREPARE TRANSACTION"};
  prepared_.follow_tag(tag);
  if (tag == "BEGIN" || tag == "START TRANSACTION") pipeline_.is_block = false;
  pipeline_.may_have_ended |= std::ranges::count(kEnds, tag) > 0;
}

// Behind the end of a transaction what is left of the pipeline is one by itself. ROLLBACK TO and AND CHAIN end none.
void StatementReplay::follow_transaction(const PostgresHead& head) {
  if (!std::exchange(pipeline_.may_have_ended, false) || is_lost_ || !peer_.is_idle()) return;
  pipeline_.is_block = false;
  pipeline_.is_undecided = pipeline_.number != 0 && head.kind == "EXECUTE";
}

void StatementReplay::finish() {
  end_pipeline();
  if (is_lost_) return;
  if (const auto ended = end_data(kNoData); !ended) lose(pipeline_.last_unit, "the end of its session", ended.error());
}

}  // namespace sluice::control
