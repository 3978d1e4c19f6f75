// What servers answer: matched to what was asked, masked, and told in our words where we refused.
#include <algorithm>
#include <utility>

#include "dataplane/session/postgres_formats.h"
#include "dataplane/session/postgres_relay.h"

namespace sluice::session {
namespace {

using postgres::FieldKind;
using postgres::MessageKind;
using postgres::StepKind;

constexpr std::string_view kQueryCanceled = "57014";
constexpr std::size_t kDecideBytes = 64 * 1024;       // held, after which it is decided what may go
constexpr std::size_t kDecideTextBytes = 128 * 1024;  // the same of what is kept beside them; more than a scan holds

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

// Of these each has its mark where it ends.
bool is_text(FieldKind kind) {
  return kind == FieldKind::column_name || kind == FieldKind::command_tag || kind == FieldKind::error_text ||
         kind == FieldKind::channel || kind == FieldKind::notification;
}

bool is_content(FieldKind kind) {
  return is_text(kind) || kind == FieldKind::cell || kind == FieldKind::function_result || kind == FieldKind::copy_data;
}

// Of these, content comes also where no unit was asked for it.
bool may_be_unasked(MessageKind kind) {
  return kind == MessageKind::row_description || kind == MessageKind::error || kind == MessageKind::notice ||
         kind == MessageKind::notification;
}

}  // namespace

void PostgresRelay::read_responses(Context& context) {
  Side& in = response_;
  Bytes piece;
  Held::Place place;
  while (fate_ == Fate::run && !in.dead) {
    if (in.reader.idle() && in.held.unlabelled_bytes() > 0 && !has_room(context)) {
      starved_ = true;
      break;
    }
    if (piece.empty()) piece = in.held.unlabelled(place, in.header_bytes);
    if (const std::size_t rows = take_rows(context, piece, place); rows > 0) {
      piece = rows < piece.size() ? piece.subspan(rows) : Bytes();
    } else {
      const postgres::Step step = in.reader.next(piece);
      if (step.kind == StepKind::more && step.bytes == 0) break;
      const Bytes bytes = piece.first(step.bytes);
      piece = piece.subspan(step.bytes);
      take_step(context, Direction::response, step, bytes);
      place = {};
    }
    if (in.held.labelled_bytes() >= kDecideBytes || in.held.text_bytes() >= kDecideTextBytes ||
        in.held.run_count() > Held::kMaxRuns / 4) {
      decide(context, false);
      place = {};
    }
    if (in.held.labelled_bytes() == 0) piece = {};  // what was held went
  }
  decide(context, false);
  charge_rows(context, std::exchange(uncharged_rows_, 0));
}

// Rows that are like the one before, of an answer that is under way, all at once: as many as lie whole in `piece`, or
// one that ends in the next. The content is the same as if they were taken step by step. Returns their bytes.
std::size_t PostgresRelay::take_rows(Context& context, Bytes piece, Held::Place& place) {
  Side& in = response_;
  const std::uint32_t cells = in.reader.cells_of_row();
  if (cells == 0 || in.held.labelled_bytes() >= kDecideBytes || !goes_on_with_rows(cells)) return 0;
  std::array<std::uint8_t, kMostJoinedBytes> joined;
  RowsSize rows = measure_rows(piece, cells, kDecideBytes - in.held.labelled_bytes(), rows_alike());
  Bytes bytes = piece.first(rows.wire);
  if (rows.wire == 0 && piece.size() < kMostJoinedBytes) {
    bytes = in.held.joined_row(place, joined);
    rows = measure_rows(bytes, cells, kMostJoinedBytes);
  }
  if (rows.wire == 0 || !results_.fits(rows.rows, rows.wire)) return 0;
  plan_.make(conversation_, in.message.unit(), cells);
  DecodedRowsWriter& decoded = context.work.decoded;
  const bool are_plain = plan_.cells().empty();
  if (!are_plain) rows = decoded.write(bytes, plan_.cells());
  if (rows.wire == 0) return 0;
  count_rows(rows.rows, rows.wire);
  in.reader.pass_rows(rows.wire, rows.last);
  if (are_plain)
    in.held.label_rows(rows);
  else
    label_decoded(rows, decoded);
  return rows.wire;
}

bool PostgresRelay::goes_on_with_rows(std::uint32_t cells) const {
  return response_.message.active() && !response_.discard && !says_unasked_ && answers_unit() &&
         conversation_.goes_on_with_rows(cells);
}

// Before its header is labelled.
void PostgresRelay::begin_response(Context& context) {
  Side& in = response_;
  const MessageKind kind = in.reader.message().kind;
  const bool is_asked = answers_unit();
  if (kind == MessageKind::row_description) plan_.forget();
  if (kind != MessageKind::error && kind != MessageKind::notice && answers_waiting())
    return response_error(context, ErrorCode::postgres_unexpected_answer);
  if (swallows(kind)) return;
  if (!in.message.active() && (is_asked || may_be_unasked(kind))) {
    release(context, in, true);
    if (in.dead) return;
    says_unasked_ = !is_asked;
    if (says_unasked_) open_unasked(context);
    in.held.begin_message();
    in.message.begin(is_asked ? exchanges_.front().unit : unasked_, Direction::response);
    const postgres::Portal* portal = is_asked ? conversation_.answering().portal.get() : nullptr;
    if (describes() && kind != MessageKind::error && is_asked)
      in.message.plain_head(context, as_bytes("COLUMNS\n"), true);
    else if (kind == MessageKind::data_row && portal != nullptr && !portal->formats.empty())
      in.message.plain_head(context, as_bytes("ROWS" + binary_text(portal->formats, "") + "\n"), true);
    else
      in.message.plain_head(context, as_bytes(word_of(kind)), true);
    in.is_open = false;
    begin_result();
  }
  if (in.message.active() && !count_row(context, in.reader.message())) return;
  if (kind == MessageKind::copy_data && in.message.active() && !in.message.looks_away() && passes_unread()) {
    decide(context, true);
    in.message.look_away();
  }
  if (is_asked) note_answer(kind);
  if (is_asked && kind == MessageKind::copy_in) ++exchanges_.front().copies_begun;
  const Refusal* refusal = is_asked && kind == MessageKind::error ? exchanges_.front().refusal() : nullptr;
  if (refusal == nullptr) return;
  decide(context, false);
  if (in.held.labelled_bytes() > 0) return abort(refusal->why);  // it would go with the error
  in.discard = true;
}

// The server's message answers a Describe.
bool PostgresRelay::describes() const {
  const postgres::QuestionKind kind = conversation_.answering().kind;
  return kind == postgres::QuestionKind::describe_statement || kind == postgres::QuestionKind::describe_portal;
}

// What a server says by itself, or of what is no unit: one that nobody asked for.
void PostgresRelay::open_unasked(Context& context) {
  unasked_ = new_unit(context);
  end_silently(context, unasked_, Direction::request, Ending::complete, ErrorCode::ok);
}

// Before the first byte of a field is labelled.
void PostgresRelay::begin_value() {
  Side& in = response_;
  const postgres::Field& field = in.reader.field();
  in.is_value = in.message.active() && !in.discard && is_content(field.kind);
  if (!in.is_value || !field.first) return;
  const bool is_copied = field.kind == FieldKind::copy_data;
  if (!is_copied) end_copied(in);
  if (field.kind == FieldKind::cell || field.kind == FieldKind::function_result) begin_cell();
}

void PostgresRelay::end_value(Bytes bytes) {
  Side& in = response_;
  const postgres::Field& field = in.reader.field();
  if (field.kind == FieldKind::error_text && field.code == 'C') follow_sqlstate(bytes);
  if (field.kind == FieldKind::setting_name || field.kind == FieldKind::setting_value) follow_setting(bytes);
  if (!in.is_value || !field.last) return;
  const std::uint32_t cells = in.reader.values().count;
  if (is_text(field.kind)) in.held.mark(Item::text, 0);
  if (field.kind == FieldKind::cell && field.index + 1 == cells) in.held.mark(Item::row, cells);
}

void PostgresRelay::follow_sqlstate(Bytes bytes) {
  if (response_.reader.field().first) sqlstate_.fill('\0');
  auto* const end = std::ranges::find(sqlstate_, '\0');
  const auto room = static_cast<std::size_t>(sqlstate_.end() - end);
  std::ranges::copy(as_text(bytes.first(std::min(bytes.size(), room))), end);
}

// Of an ErrorResponse that is whole: whether the server failed, and not who asked (as 5xx and not 4xx of HTTP). Those
// are its resources, what its operator did, its system and itself; but not that somebody cancelled a statement.
void PostgresRelay::count_error() {
  const std::string_view sqlstate(sqlstate_.data(), sqlstate_.size());
  const std::string_view kind = sqlstate.substr(0, 2);
  const bool is_servers = (kind == "53" || kind == "57" || kind == "58" || kind == "XX") && sqlstate != kQueryCanceled;
  sqlstate_.fill('\0');
  const bool is_in_our_words = is_swallowing_ || (answers_unit() && exchanges_.front().refusal() != nullptr);
  if (!is_servers || is_in_our_words) return;
  counters().errors.add();
  if (answers_unit()) exchanges_.front().unit.caller->errors.add();
}

void PostgresRelay::end_response(Context& context) {
  Side& in = response_;
  if (in.reader.message().kind == MessageKind::copy_done) end_copied(in);
  if (std::exchange(in.discard, false)) {
    in.held.drop_labelled();
    const Refusal* refusal = exchanges_.empty() ? nullptr : exchanges_.front().refusal();
    if (!is_swallowing_ && refusal == nullptr)
      say_error(context, "ERROR", ErrorCode::rule_denied);
    else if (!is_swallowing_)
      say_error(context, "ERROR", refusal->why, refusal->words);
  }
  if (says_unasked_) {
    decide(context, true);
    if (in.dead || is_opaque_) return;
    says_unasked_ = false;
    in.message.end(context, in.held.content_end(), Ending::complete, ErrorCode::ok);
  }
  if (in.reader.message().kind == MessageKind::error) count_error();
  const MessageKind ended = in.reader.message().kind;
  if (ended == MessageKind::copy_out || ended == MessageKind::copy_both) in.copy = {};
  if (in.reader.message().kind == MessageKind::backend_key) learn_cancel_key(context);
  settle(context);
  if (in.reader.message().kind == MessageKind::ready) {
    settings_.are_settled = exchanges_.empty();
    is_swallowing_ = false;
  }
  if (!in.message.active()) release(context, in, true);
}

// Ends what the server has answered, or never will: after an error it skips what comes before the next Sync.
void PostgresRelay::settle(Context& context) {
  Side& in = response_;
  while (!exchanges_.empty() && exchanges_.front().question <= conversation_.settled_through()) {
    const Exchange& exchange = exchanges_.front();
    if (in.message.active()) {
      decide(context, true);
      if (in.dead || is_opaque_) return;
      end_answer(context, Ending::complete, ErrorCode::ok);
    } else if (!exchange.is_told) {
      const ErrorCode why = is_swallowing_ ? ErrorCode::postgres_result_too_large : ErrorCode::postgres_skipped;
      end_silently(context, exchange.unit, Direction::response, Ending::cut, why);
    }
    exchanges_.pop_front();
  }
}

void PostgresRelay::end_answer(Context& context, Ending ending, ErrorCode why) {
  const Exchange& exchange = exchanges_.front();
  response_.message.end(context, response_.held.content_end(), ending, why, answer_facts(context));
  counters().responses.add();
  exchange.unit.caller->add_answer(context.now - exchange.since);
}

// Of the answer that ends now.
AnswerFacts PostgresRelay::answer_facts(const Context& context) const {
  if (says_unasked_ || exchanges_.empty()) return {};
  const Exchange& exchange = exchanges_.front();
  const TimeNs since = exchange.refusal() == nullptr ? exchange.since : exchange.came;
  return {.duration = context.now - since,
          .transaction = conversation_.transaction(),
          .rows = results_.rows(),
          .pipeline = exchange.pipeline};
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
  if (observes_all()) return go_opaque(context, error);
  Side& in = response_;
  context.errors.add(error);
  counters().errors.add();
  if (!exchanges_.empty()) exchanges_.front().unit.caller->errors.add();
  cut_response(context, error);
  in.held.clear();
  in.header_bytes = 0;
  abort(error);
}

}  // namespace sluice::session
