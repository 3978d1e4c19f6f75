// What statements mean to the rules: a Query or Parse that is whole is asked for its facts by its shape. Where nobody
// knows them yet helper threads are asked and the message waits, up to a second; what cannot be read, has no end of
// names, or waited in vain is refused or passes, as its service says.
// A statement is judged as the server will read it: after masks, with the strings and the encoding that the server told
// of. What was asked since may change both before it comes to this statement, so where that would make a difference it
// counts as unreadable.
#include <algorithm>
#include <utility>

#include "dataplane/session/postgres_relay.h"
#include "dataplane/sql/match.h"

namespace sluice::session {
namespace {

using postgres::FieldKind;
using postgres::MessageKind;

constexpr DurationNs kMostFactsWait = kSecond;
constexpr std::size_t kMostSettingBytes = 64;  // of a name or a value; longer ones are none that matter

bool is_high(std::uint8_t byte) {
  return byte >= 0x80;
}

// In some encodings such a backslash is the second half of a character (SJIS, BIG5, GBK, UHC, GB18030, JOHAB).
bool may_hide_backslash(Bytes text) {
  const auto found = std::ranges::adjacent_find(text, [](auto a, auto b) { return is_high(a) && b == '\\'; });
  return found != text.end();
}

}  // namespace

// Of the client's message that is read.
bool PostgresRelay::asks_sql() const {
  const enforce::SqlTerms& terms = service_->sql;
  const MessageKind kind = request_.reader.message().kind;
  if (terms.rules.empty()) return false;
  return kind == MessageKind::query || kind == MessageKind::parse ||
         (kind == MessageKind::function_call && terms.asks_functions);
}

// Of a message that is whole, once. False: it waits until somebody knows, or was refused. What the server skips means
// nothing.
bool PostgresRelay::is_understood(Context& context) {
  if (is_read_ || copying_ || conversation_.asking().skipped || !asks_sql()) return true;
  judge_sql(context);
  is_read_ = !awaits_facts_;
  return is_read_ && request_.message.active();
}

void PostgresRelay::judge_sql(Context& context) {
  // It names its function by a number, which only the server can tell.
  if (request_.reader.message().kind == MessageKind::function_call)
    return leave_unread(context, ErrorCode::sql_unreadable);
  sql::Shape shape;
  ErrorCode error = read_statement(context, shape);
  if (error == ErrorCode::ok) {
    if (const sql::Facts* facts = context.statements.find(shape.id)) return judge_facts(context, *facts);
    error = wait_for_facts(context, shape);
  }
  if (error != ErrorCode::ok) leave_unread(context, error);
}

void PostgresRelay::judge_facts(Context& context, const sql::Facts& facts) {
  Message& message = request_.message;
  bool is_unknown = false;
  for (const RuleIndex index : service_->sql.rules) {
    const sql::Match match = sql::matches(*policy_->snapshot->rule(index).sql, facts);
    if (match == sql::Match::yes) message.note_found(index);
    is_unknown |= match == sql::Match::unknown;
  }
  if (message.denied()) return refuse(context, message.denial());
  if (is_unknown)
    leave_unread(context, facts.mistake() != nullptr ? ErrorCode::sql_unreadable : ErrorCode::sql_too_complex);
}

// It is all of the content, but for the mark of its end.
ErrorCode PostgresRelay::read_statement(Context& context, sql::Shape& shape) {
  Workspace& work = context.work;
  request_.held.view_content(0, work.content);
  work.bytes.resize(work.content.end() - std::min<std::uint64_t>(work.content.end(), mark_bytes(0)));
  work.content.copy(0, work.bytes.size(), work.bytes.data());
  const Bytes statement = work.bytes;
  const bool standard = settings_.standard_strings;
  // First as it may come to be, because a shape is good until the next.
  ErrorCode other_error = ErrorCode::ok;
  sql::Shape other;
  const bool may_change = !settings_.are_settled && std::ranges::find(statement, '\\') != statement.end();
  if (may_change) other_error = context.statements.shape(statement, {.standard_strings = !standard}, other);
  const ErrorCode error = context.statements.shape(statement, {.standard_strings = standard}, shape);
  if (error != ErrorCode::ok) return error;
  const bool is_told = settings_.utf8 && settings_.are_settled;
  const bool has_foreign_names = !settings_.utf8 && std::ranges::any_of(as_bytes(shape.skeleton), is_high);
  const bool has_other_strings = may_change && (other_error != ErrorCode::ok || other.id != shape.id);
  return has_foreign_names || has_other_strings || (!is_told && may_hide_backslash(statement))
             ? ErrorCode::sql_unreadable
             : ErrorCode::ok;
}

// ok: it waits.
ErrorCode PostgresRelay::wait_for_facts(Context& context, const sql::Shape& shape) {
  if (facts_until_ == 0) facts_until_ = context.now + kMostFactsWait;
  if (context.now >= facts_until_) return ErrorCode::sql_helpers_busy;
  const ErrorCode error = context.statements.ask(client_address_.source(), shape, facts_wait_, context.session);
  awaits_facts_ = error == ErrorCode::ok;
  return error;
}

// What it means stays unknown.
void PostgresRelay::leave_unread(Context& context, ErrorCode why) {
  const enforce::SqlTerms& terms = service_->sql;
  if (terms.may_stop && !terms.pass_unreadable) return refuse(context, why);
  context.errors.add(why);
}

void PostgresRelay::end_facts_wait() {
  facts_wait_.leave();
  awaits_facts_ = false;
}

void PostgresRelay::follow_setting(Bytes bytes) {
  const postgres::Field& field = response_.reader.field();
  std::string& text = field.kind == FieldKind::setting_name ? settings_.name : settings_.value;
  if (field.first) text.clear();
  text.append(as_text(bytes.first(std::min(bytes.size(), kMostSettingBytes - text.size()))));
  if (field.kind != FieldKind::setting_value || !field.last) return;
  if (settings_.name == "standard_conforming_strings") settings_.standard_strings = settings_.value != "off";
  if (settings_.name == "client_encoding") settings_.utf8 = settings_.value == "UTF8";
}

}  // namespace sluice::session
