// What servers answer: matched to what was asked, masked, and told in our words where we refused.
#include <algorithm>
#include <utility>

#include "dataplane/session/postgres_relay.h"

namespace sluice::session {
namespace {

using postgres::FieldKind;
using postgres::MessageKind;
using postgres::StepKind;

constexpr std::size_t kDecideBytes = 64 * 1024;  // held, after which it is decided what may go
constexpr std::size_t kHeaderBytes = 5;          // a message's type and length

// The first line of an answer on the record: with what it begins.
std::string_view word_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::row_description:
    case MessageKind::data_row:
      return "ROWS\n";
    case MessageKind::error:
      return "ERROR\n";
    case MessageKind::copy_in:
    case MessageKind::copy_out:
    case MessageKind::copy_both:
      return "COPY\n";
    case MessageKind::function_result:
      return "RESULT\n";
    default:
      return "DONE\n";
  }
}

// Of these each is a value; the length of a text is known only at its end.
bool is_text(FieldKind kind) {
  return kind == FieldKind::column_name || kind == FieldKind::command_tag || kind == FieldKind::error_text;
}

bool is_content(FieldKind kind) {
  return is_text(kind) || kind == FieldKind::cell || kind == FieldKind::function_result || kind == FieldKind::copy_data;
}

}  // namespace

void PostgresRelay::read_responses(Context& context) {
  Side& in = response_;
  Bytes piece;
  while (fate_ == Fate::run && !in.dead) {
    if (in.reader.idle() && in.held.unlabelled_bytes() > 0 && !has_room(context)) {
      starved_ = true;
      break;
    }
    if (piece.empty()) piece = in.held.unlabelled();
    const postgres::Step step = in.reader.next(piece);
    if (step.kind == StepKind::more && step.bytes == 0) break;
    const Bytes bytes = piece.first(step.bytes);
    piece = piece.subspan(step.bytes);
    response_step(context, step, bytes);
    if (in.held.labelled_bytes() >= kDecideBytes || in.held.run_count() > Held::kMaxRuns / 4) decide(context, false);
    if (in.held.labelled_bytes() == 0) piece = {};  // what was held went
  }
  decide(context, false);
}

void PostgresRelay::response_step(Context& context, const postgres::Step& step, Bytes bytes) {
  Side& in = response_;
  const ErrorCode error = step.kind == StepKind::error ? step.error : conversation_.response(in.reader, step, bytes);
  if (error != ErrorCode::ok) return response_error(context, error);
  if (step.kind == StepKind::field) begin_value();
  in.held.label(run_kind(in, step.kind), step.bytes);
  in.in_header = step.kind == StepKind::more;
  if (step.kind == StepKind::message) begin_response(context);
  if (step.kind == StepKind::message_end) end_response(context);
  if (in.discard) in.held.drop_labelled();
}

void PostgresRelay::begin_response(Context& context) {
  Side& in = response_;
  if (!answers_unit()) return;
  const Exchange& exchange = exchanges_.front();
  const MessageKind kind = in.reader.message().kind;
  if (!in.message.active()) {
    in.held.begin_message();
    in.message.begin(exchange.unit, Direction::response);
    in.message.plain_head(context, as_bytes(word_of(kind)), true);
    is_copied_out_ = false;
  }
  if (kind != MessageKind::error || exchange.refused == ErrorCode::ok) return;
  if (in.held.labelled_bytes() > kHeaderBytes) return abort(exchange.refused);  // what is held before it would go, too
  in.discard = true;
}

// Before the first byte of a field is labelled: where a value begins.
void PostgresRelay::begin_value() {
  Side& in = response_;
  const postgres::Field& field = in.reader.field();
  in.is_value = in.message.active() && !in.discard && is_content(field.kind);
  if (!in.is_value || !field.first) return;
  if (is_text(field.kind)) return in.held.mark(Item::text, 0);
  if (field.kind == FieldKind::copy_data) {  // one text, however it comes
    if (!std::exchange(is_copied_out_, true)) in.held.mark(Item::text, 0);
    return;
  }
  if (field.kind == FieldKind::cell && field.index == 0) in.held.mark(Item::row, in.reader.values().count);
  in.held.mark(field.null ? Item::null : Item::value, field.null ? 0 : field.length);
}

void PostgresRelay::end_response(Context& context) {
  Side& in = response_;
  if (std::exchange(in.discard, false)) {
    in.held.drop_labelled();
    say_error(context, "ERROR", exchanges_.front().refused);
  }
  settle(context);
  if (!in.message.active()) release(context, in, true);
}

// Ends what the server has answered, or never will: after an error it skips what comes before the next Sync.
void PostgresRelay::settle(Context& context) {
  Side& in = response_;
  while (!exchanges_.empty() && exchanges_.front().question <= conversation_.settled_through()) {
    const Exchange& exchange = exchanges_.front();
    if (in.message.active()) {
      decide(context, true);
      if (in.dead) return;
      in.message.end(context, in.held.content_end(), Ending::complete, ErrorCode::ok);
      counters().responses.add();
      exchange.unit.caller->add_answer(context.now - exchange.since);
    } else {
      end_silently(context, exchange.unit, Ending::cut, ErrorCode::postgres_skipped);
    }
    exchanges_.pop_front();
  }
}

// So that each unit has an end in both directions on the record.
void PostgresRelay::end_silently(Context& context, const UnitInfo& unit, Ending ending, ErrorCode why) {
  Message none;
  none.begin(unit, Direction::response);
  none.end(context, 0, ending, why);
}

// What of the answer may go, goes.
void PostgresRelay::decide(Context& context, bool last) {
  Side& in = response_;
  if (in.dead) return;
  if (!in.message.active()) return release(context, in, true);
  if (const ErrorCode error = in.message.content(context, in.held, last); error != ErrorCode::ok)
    return response_error(context, error);
  release(context, in, last);
}

// The client cannot be told in the middle of an answer, and what comes next cannot be read.
void PostgresRelay::response_error(Context& context, ErrorCode error) {
  if (observes()) return go_opaque(context, error);
  Side& in = response_;
  context.errors.add(error);
  counters().errors.add();
  if (!exchanges_.empty()) exchanges_.front().unit.caller->errors.add();
  if (in.message.active()) {
    in.message.content(context, in.held, true);
    in.message.end(context, in.held.content_end(), Ending::refused, error);
    exchanges_.pop_front();
  }
  in.held.clear();
  abort(error);
}

}  // namespace sluice::session
