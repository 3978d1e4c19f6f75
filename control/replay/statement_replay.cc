// See statement_replay.h.
#include "control/replay/statement_replay.h"
#include "control/replay/binary_copy.h"

#include <libpq-fe.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

constexpr std::size_t kShownStatementBytes = 100;
constexpr std::size_t kMostPortals = 1024;
constexpr std::size_t kMostBoundBytes = 64 * 1024 * 1024;
// Of an answer above what the record has of it. Values that came in binary are longer as texts; of rows that policy
// keeps off the record only the number is known.
constexpr std::uint64_t kMostRowsBeyond = 10'000;
constexpr std::uint64_t kMostBytesBeyond = 64 * 1024 * 1024;
constexpr std::uint64_t kMostBytesOfOne = 8;
constexpr std::uint64_t kMostBytesOfRowLeftOut = 64 * 1024;
constexpr std::uint64_t kMostRowsLeftOut = std::uint64_t{1} << 32U;
constexpr std::string_view kQueryCanceled = "57014";
constexpr std::string_view kMasked = "the record masks parts of it, so the server would get something else";

std::string_view text_of(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The beginning of a statement, on one line.
std::string shown(std::string_view statement) {
  std::string out(statement.substr(0, kShownStatementBytes));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out + (statement.size() > kShownStatementBytes ? "…" : "");
}

// Of a statement that is read in parts, the tag counts the rows of the last one; here it was read as a whole.
std::string tag_of(const PGresult& result, bool is_part, std::uint64_t rows) {
  const std::string tag(text_of(PQcmdStatus(const_cast<PGresult*>(&result))));
  return is_part ? tag.substr(0, tag.rfind(' ') + 1) + std::to_string(rows) : tag;
}

// Of the answer of which this is on the record. Names of columns may look as if rows were left out, any number of them:
// no more were than came, and where that is not known, none but a few.
std::uint64_t most_bytes_of(std::string_view recorded, std::uint64_t rows) {
  const std::uint64_t most_rows = rows == 0 ? kMostRowsBeyond : std::min(rows, kMostRowsLeftOut);
  std::uint64_t left_out = 0;
  for (RecordedItems items(recorded); items.at() != nullptr; items.pass())
    if (items.is(Item::left_out)) left_out = std::min(left_out + items.at()->length, most_rows);
  return kMostBytesBeyond + kMostBytesOfOne * recorded.size() + kMostBytesOfRowLeftOut * left_out;
}

// About what is on the record, not about the server.
bool is_about_record(const Error& error) {
  return error.code == ErrorCode::bad_argument || error.code == ErrorCode::record_gap;
}

// What took its time when it was recorded gets it again.
int patience(const Unit& unit, int seconds) {
  constexpr WallNs kMostWait = 3600 * kSecond;
  const WallNs took = unit.response.end_wall_ns - unit.request.begin_wall_ns;
  return seconds + (took > 0 ? static_cast<int>(std::min<WallNs>(2 * took, kMostWait) / kSecond) : 0);
}

}  // namespace

Result<std::string> StatementReplay::request_body(const Unit& unit) const {
  auto body = recorded_body(records_, unit, Direction::request);
  if (body && is_masked_for_record(unit.request, *body, terms_.rules, terms_.policy_version))
    return fail(ErrorCode::bad_argument, std::string(kMasked));
  return body;
}

// Comparing.

Result<void> StatementReplay::begin_comparing(const Unit& unit, const ReplayedUnit& out, bool has_columns) {
  auto body = recorded_body(records_, unit, Direction::response);
  if (!body) return fail(body.error().code, "its answer: " + body.error().detail);
  now_ = {.body = std::move(*body),
          .out = out,
          .comparison = nullptr,
          .has_columns = has_columns,
          .is_part = false,
          .bytes_before = peer_.received(),
          .most_bytes = 0};
  now_.most_bytes = most_bytes_of(now_.body, unit.response.rows);
  now_.comparison = std::make_unique<AnswerComparison>(now_.body, parse_postgres_head(unit.response.head),
                                                       !unit.response.hits.empty(), terms_.redactor, now_.out.values);
  return {};
}

ReplayedUnit StatementReplay::compared() {
  now_.out.outcome = now_.out.values.differing == 0 ? ReplayOutcome::same : ReplayOutcome::different;
  now_.comparison.reset();
  return std::move(now_.out);
}

void StatementReplay::compare_columns(const pg_result& result) {
  std::vector<ReplayedColumn> columns;
  for (int i = 0; i < PQnfields(&result); ++i)
    columns.push_back(
        {.name = text_of(PQfname(&result, i)), .type = PQftype(&result, i), .attribute = PQftablecol(&result, i)});
  now_.comparison->columns(columns, now_.has_columns);
}

void StatementReplay::compare_row(const pg_result& result) {
  AnswerComparison::Row values;
  for (int i = 0; i < PQnfields(&result); ++i) {
    const auto bytes = static_cast<std::size_t>(PQgetlength(&result, 0, i));
    const bool is_null = PQgetisnull(&result, 0, i) != 0;
    values.push_back(is_null ? std::nullopt : std::optional(std::string_view(PQgetvalue(&result, 0, i), bytes)));
  }
  now_.comparison->row(values);
}

void StatementReplay::compare_error(const pg_result& result) {
  now_.comparison->error(text_of(PQresultErrorField(&result, PG_DIAG_SQLSTATE)),
                         text_of(PQresultErrorField(&result, PG_DIAG_MESSAGE_PRIMARY)));
}

Result<void> StatementReplay::compare_copied() {
  for (;;) {
    const auto data = peer_.get_copy();
    if (!data) return std::unexpected(data.error());
    if (!*data) return {};
    now_.comparison->copied(**data);
    if (!why_enough().empty()) return {};
  }
}

// Empty: there may be more.
std::string StatementReplay::why_enough() const {
  if (now_.comparison->beyond() > kMostRowsBeyond)
    return "more than " + std::to_string(kMostRowsBeyond) + " rows above those on the record";
  if (peer_.received() - now_.bytes_before > now_.most_bytes)
    return "more than " + std::to_string(now_.most_bytes) + " bytes, of " + std::to_string(now_.body.size()) +
           " on the record";
  return {};
}

// What was cancelled has failed there, and so has its transaction.
Result<bool> StatementReplay::stop_comparing(const std::string& why) {
  if (auto cancelled = peer_.cancel(); !cancelled)
    return fail(cancelled.error().code, why + ", and they do not end: " + cancelled.error().detail);
  now_.comparison->give_up(why + "; it was cancelled");
  return true;
}

// Until all results have come, or too many; false where they stop before: data is to be copied in, or the record has no
// more rows.
Result<bool> StatementReplay::compare_results() {
  bool is_in_rows = false;
  std::uint64_t rows = 0;
  const bool has_end = now_.comparison->has_end();
  while (has_end || !now_.comparison->rows_are_over()) {
    const auto next = peer_.next();
    if (!next) return std::unexpected(next.error());
    const PGresult* const result = next->get();
    if (result == nullptr) {
      now_.comparison->finish();
      return true;
    }
    switch (PQresultStatus(result)) {
      case PGRES_SINGLE_TUPLE:
        if (!std::exchange(is_in_rows, true)) compare_columns(*result);
        compare_row(*result);
        ++rows;
        break;
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (!std::exchange(is_in_rows, false)) compare_columns(*result);
        now_.comparison->tag(tag_of(*result, now_.is_part, rows));
        follow_tag(text_of(PQcmdStatus(const_cast<PGresult*>(result))));
        break;
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_COPY_OUT:
        if (auto copied = compare_copied(); !copied) return std::unexpected(copied.error());
        break;
      case PGRES_COPY_IN:
        takes_data_ = true;
        is_binary_copy_ = PQbinaryTuples(result) != 0;
        return false;
      default:
        if (PQresultErrorField(result, PG_DIAG_SQLSTATE) == nullptr)
          return fail(ErrorCode::io_failed, PQresultErrorMessage(result));
        compare_error(*result);
        is_in_rows = false;
        break;
    }
    if (const std::string why = why_enough(); !why.empty()) return stop_comparing(why);
  }
  return false;
}

// What clients say.

Result<void> StatementReplay::query(const Unit& unit, ReplayedUnit& out) {
  const auto body = request_body(unit);
  if (!body) return std::unexpected(body.error());
  const std::string statement(statement_of(*body));
  out.request_line += " " + shown(statement);
  if (auto begun = begin_comparing(unit, out, true); !begun) return begun;
  if (auto sent = peer_.query(statement); !sent) return sent;
  const auto is_over = compare_results();
  if (!is_over) return std::unexpected(is_over.error());
  if (*is_over) out = compared();
  return {};
}

// What the record says was refused takes nobody's name, and is not used where the server accepts it.
Result<void> StatementReplay::parse(const Unit& unit, const PostgresHead& head, ReplayedUnit& out) {
  if (head.names.size() != 1) return fail(ErrorCode::bad_argument, "its name is cut");
  const auto body = request_body(unit);
  if (!body) return std::unexpected(body.error());
  const std::string& name = head.names.front();
  const std::string statement(statement_of(*body));
  out.request_line += " " + shown(statement);
  if (auto begun = begin_comparing(unit, out, false); !begun) return begun;
  const bool was_refused = !recorded_error(unit.response.body).empty();
  if (!was_refused || name.empty())
    if (auto freed = prepared_.free(peer_, name); !freed) return freed;
  if (auto room = prepared_.make_room(peer_, name); !room) return room;
  if (auto sent = peer_.prepare(name, statement); !sent) return sent;
  const auto result = peer_.next();
  if (!result) return std::unexpected(result.error());
  if (PQresultStatus(result->get()) == PGRES_COMMAND_OK)
    prepared_.put(name, {.unit = unit.number, .shown = shown(statement), .is_as_recorded = !was_refused});
  else if (PQresultErrorField(result->get(), PG_DIAG_SQLSTATE) == nullptr)
    return fail(ErrorCode::io_failed, PQresultErrorMessage(result->get()));
  else
    compare_error(**result);
  now_.comparison->finish();
  out = compared();
  return {};
}

Result<std::vector<std::uint32_t>> StatementReplay::parameter_types(const std::string& statement) {
  if (auto sent = peer_.describe(statement); !sent) return std::unexpected(sent.error());
  const auto result = peer_.next();
  if (!result) return std::unexpected(result.error());
  std::vector<std::uint32_t> types;
  for (int i = 0; i < PQnparams(result->get()); ++i) types.push_back(PQparamtype(result->get(), i));
  return types;
}

// What came in binary and was read is text on the record, and is bound as text. What was not is bound as it came.
Result<std::vector<BoundValue>> StatementReplay::values_to_bind(const PostgresHead& head, const std::string& body) {
  const std::vector<RecordedValue> recorded = bound_values(body);
  std::vector<std::uint32_t> types;
  if (std::ranges::any_of(recorded, [](const RecordedValue& value) { return value.item == Item::list; })) {
    auto known = parameter_types(head.names[1]);
    if (!known) return std::unexpected(known.error());
    types = std::move(*known);
  }
  std::vector<BoundValue> values;
  for (const RecordedValue& value : recorded) {
    BoundValue bound;
    const std::size_t at = values.size();
    if (value.item == Item::list) {
      bound.bytes = array_text(value.elements, at < types.size() ? types[at] : 0);
      if (!bound.bytes) return fail(ErrorCode::bad_argument, "it binds an array in a binary format that is not read");
    }
    if (value.item == Item::value || value.item == Item::decoded) bound.bytes = std::string(value.bytes);
    if (value.item == Item::value && head.is_mixed && head.binary.empty())
      return fail(ErrorCode::bad_argument, "which of its values are binary is not on the record");
    bound.is_binary = value.item == Item::value && head.has_binary(static_cast<std::uint32_t>(at + 1));
    values.push_back(std::move(bound));
  }
  return values;
}

// It is sent with its Execute, so what the server refused is not sent: it could be taken here, and then be run.
Result<void> StatementReplay::bind(const Unit& unit, const PostgresHead& head, ReplayedUnit& out) {
  if (head.names.size() != 2) return fail(ErrorCode::bad_argument, "its names are cut");
  const PreparedNames::Prepared* const statement = prepared_.find(head.names[1]);
  if (statement == nullptr) return fail(ErrorCode::bad_argument, "its statement was not prepared");
  out.request_line += " " + statement->shown;
  if (!recorded_error(unit.response.body).empty()) return fail(ErrorCode::bad_argument, "the server refused it");
  const auto body = request_body(unit);
  if (!body) return std::unexpected(body.error());
  auto values = values_to_bind(head, *body);
  if (!values) return std::unexpected(values.error());
  Portal& portal = portals_[head.names[0]] = {.statement = head.names[1], .prepared_by = statement->unit, .values = {}};
  for (const BoundValue& value : *values) portal.bytes += sizeof value + (value.bytes ? value.bytes->size() : 0);
  portal.values = std::move(*values);
  if (!has_room_for_portals()) return fail(ErrorCode::bad_argument, "more values are bound than a replay keeps");
  return {};
}

// What has run is not run again.
bool StatementReplay::has_room_for_portals() {
  if (portals_.size() > kMostPortals) std::erase_if(portals_, [](const auto& one) { return one.second.has_run; });
  std::size_t bytes = 0;
  for (const auto& [name, portal] : portals_) bytes += portal.bytes;
  return portals_.size() <= kMostPortals && bytes <= kMostBoundBytes;
}

Result<void> StatementReplay::execute(const Unit& unit, const PostgresHead& head, ReplayedUnit& out) {
  const auto portal = head.names.empty() ? portals_.end() : portals_.find(head.names.front());
  if (portal == portals_.end()) return fail(ErrorCode::bad_argument, "its values were not bound");
  const PreparedNames::Prepared* statement = prepared_.find(portal->second.statement);
  if (statement != nullptr && statement->unit != portal->second.prepared_by) statement = nullptr;
  if (statement != nullptr) out.request_line += " " + statement->shown;
  const bool goes_on = std::exchange(has_more_rows_, false) && more_rows_of_ == portal->first;
  if (!goes_on && portal->second.has_run)
    return fail(ErrorCode::bad_argument, "its portal was read on behind another statement");
  if (!goes_on && statement == nullptr) return fail(ErrorCode::bad_argument, "its statement is not there any more");
  if (auto begun = begin_comparing(unit, out, false); !begun) return begun;
  portal->second.has_run = true;
  now_.is_part = goes_on;
  const std::vector<BoundValue> values = std::exchange(portal->second.values, {});
  portal->second.bytes = 0;
  if (!goes_on)
    if (auto sent = peer_.run(portal->second.statement, values); !sent) return sent;
  const auto is_over = compare_results();
  if (!is_over) return std::unexpected(is_over.error());
  has_more_rows_ = !*is_over && !takes_data_;
  more_rows_of_ = portal->first;
  if (!takes_data_) out = compared();
  return {};
}

// All but the mark behind the data.
Result<void> StatementReplay::put_text(const Unit& unit) {
  std::string held;
  Result<void> put;
  const auto streamed = stream_body(records_, unit.request.place, unit.number, Direction::request, [&](Bytes bytes) {
    held.append(as_text(bytes));
    if (held.size() <= kTextEnd.size()) return true;
    put = peer_.put_copy(std::string_view(held).substr(0, held.size() - kTextEnd.size()));
    held.erase(0, held.size() - kTextEnd.size());
    return put.has_value();
  });
  if (!streamed) return streamed;
  if (put && held != kTextEnd && !held.empty()) put = peer_.put_copy(held);
  return put;
}

Result<void> StatementReplay::put_values(const Unit& unit) {
  BinaryCopy copy;
  std::string out;
  Result<void> put;
  const auto streamed = stream_body(records_, unit.request.place, unit.number, Direction::request, [&](Bytes bytes) {
    put = copy.add(as_text(bytes), out);
    if (put) put = peer_.put_copy(std::exchange(out, {}));
    return put.has_value();
  });
  if (!streamed) return streamed;
  if (put) put = copy.finish(out);
  return put ? peer_.put_copy(out) : put;
}

// The data that the statement before it asked for, which is counted with it.
Result<void> StatementReplay::copy(const Unit& unit) {
  if (!takes_data_) return fail(ErrorCode::bad_argument, "no statement asked for the data");
  if (is_masked_for_record(unit.request, "*", terms_.rules, terms_.policy_version)) {
    const Result<void> ended = end_data("its data was not sent: " + std::string(kMasked));
    return ended ? fail(ErrorCode::bad_argument, std::string(kMasked)) : ended;
  }
  takes_data_ = false;
  const bool is_failed = recorded_error(now_.body) == kQueryCanceled;  // so the data went nowhere
  const auto put = is_failed         ? fail(ErrorCode::bad_argument, "its client failed it")
                   : is_binary_copy_ ? put_values(unit)
                                     : put_text(unit);
  if (!put && !is_failed && !is_binary_copy_) return put;
  if (auto ended = peer_.end_copy(put ? nullptr : put.error().detail.c_str()); !ended) return ended;
  const auto is_over = compare_results();
  if (!is_over) return std::unexpected(is_over.error());
  if (*is_over) report_(compared());
  return {};
}

// Without data, so that a transaction goes on; where it failed on the record, it fails. The binary format has no end
// without data.
Result<void> StatementReplay::end_data(const std::string& why) {
  if (!std::exchange(takes_data_, false)) return {};
  now_.out.outcome = ReplayOutcome::skipped;
  now_.out.reason = why;
  now_.out.values = {};
  report_(std::move(now_.out));
  const bool fails = is_binary_copy_ || !recorded_error(now_.body).empty();
  return peer_.end_copy(fails ? "the data is not replayed" : nullptr);
}

// In a failed transaction a server refuses what another would run, and rolls back what another would commit.
Result<void> StatementReplay::fail_as_recorded(const Unit& unit) {
  if (!std::exchange(has_failed_, false) && !came_in_failed_transaction(unit)) return {};
  has_more_rows_ = false;
  const auto has_failed = peer_.fail_transaction();
  if (!has_failed) return std::unexpected(has_failed.error());
  if (*has_failed || recorded_error(unit.response.body) != kInFailedTransaction) return {};
  return fail(ErrorCode::bad_argument, "the server refused it in a failed transaction, and the other one is in none");
}

Result<void> StatementReplay::run(const Unit& unit, const PostgresHead& head, ReplayedUnit& out) {
  if (is_lost_) return fail(ErrorCode::bad_argument, "the connection failed before");
  peer_.be_patient(patience(unit, terms_.timeout_seconds));
  const std::string why_not = why_not_run(unit);
  if (head.kind == "COPY" && why_not.empty()) return copy(unit);
  if (auto ended = end_data(head.kind == "COPY" ? "its data was not sent: " + why_not : kNoData); !ended) return ended;
  if (!why_not.empty()) return fail(ErrorCode::bad_argument, why_not);
  if (auto failed = fail_as_recorded(unit); !failed) return failed;
  if (head.kind != "EXECUTE") has_more_rows_ = false;
  if (head.kind == "QUERY") return query(unit, out);
  if (head.kind == "PARSE") return parse(unit, head, out);
  if (head.kind == "BIND") return bind(unit, head, out);
  if (head.kind == "EXECUTE") return execute(unit, head, out);
  return fail(ErrorCode::bad_argument, "a message of this kind is not replayed");
}

// What the session has under the name was not run.
void StatementReplay::forget(const PostgresHead& head) {
  if (head.names.empty()) return;
  if (head.kind == "PARSE") prepared_.spoil(head.names.front());
  if (head.kind == "BIND" || head.kind == "EXECUTE") portals_.erase(head.names.front());
}

// An error ends its answer, of which the unit has only the first bytes.
bool StatementReplay::has_late_error(const Unit& unit, const PostgresHead& head) const {
  const bool is_told = head.kind == "QUERY" && unit.response.transaction != 0;
  if (is_told || unit.response.body.size() >= unit.response.recorded_bytes) return false;
  const auto answer = recorded_body(records_, unit, Direction::response);
  return answer && !recorded_error(*answer).empty();
}

void StatementReplay::take(const Unit& unit, const PostgresHead& head) {
  pipeline_.last_unit = unit.number;
  if (!is_passed_over(unit, head)) replay(unit, head);
  follow_transaction(head);
  has_failed_ |= fails_transaction(unit, head) || has_late_error(unit, head);
  if (head.kind == "QUERY" && unit.response.transaction == 'I') portals_.clear();  // they lived in the transaction
}

void StatementReplay::replay(const Unit& unit, const PostgresHead& head) {
  ReplayedUnit out;
  out.unit = unit.number;
  out.request_line = unit.request.head.substr(0, unit.request.head.find('\n'));
  const auto done = run(unit, head, out);
  if (done && takes_data_ && head.kind != "COPY") {
    now_.out.request_line = out.request_line;
    return;  // counted when it is over
  }
  if (!done) {
    const bool is_skipped = is_about_record(done.error());
    out.outcome = is_skipped ? ReplayOutcome::skipped : ReplayOutcome::failed;
    out.reason = is_skipped ? done.error().detail : terms_.redactor.redact(done.error().message());
    if (!is_skipped && !std::exchange(is_lost_, true)) peer_.give_up();
    takes_data_ = takes_data_ && !is_lost_;
    forget(head);
  }
  report_(std::move(out));
}

}  // namespace sluice::control
