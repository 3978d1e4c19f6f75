// What clients say: from bytes to a verdict, and from a verdict to the server, or to what stands in its place.
#include <algorithm>
#include <utility>

#include "common/stage_clock.h"
#include "dataplane/session/postgres_formats.h"
#include "dataplane/session/postgres_relay.h"

namespace sluice::session {
namespace {

using postgres::FieldKind;
using postgres::MessageKind;
using postgres::StepKind;

constexpr std::size_t kMostNameBytes = 1024;     // of a name that is kept; longer ones are cut
constexpr unsigned kMostEncryptionRequests = 2;  // TLS, and GSSAPI

// What a unit of this kind is called on the record; empty: it is none.
std::string_view word_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::query:
      return "QUERY";
    case MessageKind::parse:
      return "PARSE";
    case MessageKind::bind:
      return "BIND";
    case MessageKind::describe:
      return "DESCRIBE";
    case MessageKind::execute:
      return "EXECUTE";
    case MessageKind::function_call:
      return "FUNCTION";
    case MessageKind::copy_data:
    case MessageKind::copy_fail:
      return "COPY";
    default:
      return {};
  }
}

bool is_content(FieldKind kind) {
  return kind == FieldKind::query_text || kind == FieldKind::parameter || kind == FieldKind::argument ||
         kind == FieldKind::copy_data || kind == FieldKind::copy_error;
}

bool ends_copy(MessageKind kind) {
  return kind == MessageKind::copy_done || kind == MessageKind::copy_fail;
}

}  // namespace

void PostgresRelay::read_requests(Context& context) {
  Side& in = request_;
  bool labelled = false;
  Bytes piece;
  while (!in.dead && !is_waiting()) {
    if (in.reader.idle() && in.held.unlabelled_bytes() > 0) {
      if (!accepts(Direction::request)) break;
      if (!has_room(context)) {
        starved_ = true;
        break;
      }
    }
    if (piece.empty()) piece = in.held.unlabelled(in.header_bytes);
    const Bytes next = within_window(piece);
    const postgres::Step step = in.reader.next(next);
    if (step.kind == StepKind::more && step.bytes == 0) break;
    labelled |= step.bytes > 0;
    piece = piece.subspan(step.bytes);
    take_step(context, Direction::request, step, next.first(step.bytes));
    if (in.held.labelled_bytes() == 0) piece = {};  // what was held went
  }
  if (!labelled || in.dead || is_waiting()) return;
  if (in.message.active())
    judge(context, false);
  else if (conversation_.phase() != postgres::Phase::startup)
    release(context, in, true);
}

// Of what is judged in its window as much as fits: it is filled exactly, so that what lies beyond it has no part in the
// verdict, with the mark that a value which begins puts before its bytes.
Bytes PostgresRelay::within_window(Bytes bytes) const {
  if (!judging()) return bytes;
  const std::uint64_t end = request_.held.content_end() + kMostMarkBytes;
  const std::uint64_t left = service_->window_bytes - std::min<std::uint64_t>(service_->window_bytes, end);
  return bytes.first(std::min<std::size_t>(bytes.size(), std::max<std::uint64_t>(left, 1)));
}

// Before its header is labelled: what it ends, and whether it is a unit.
void PostgresRelay::begin_request(Context& context) {
  const MessageKind kind = request_.reader.message().kind;
  head_.clear();
  if (kind == MessageKind::startup) request_.held.begin_message();
  if (kind == MessageKind::copy_data || kind == MessageKind::copy_fail) {  // a COPY can fail before any data
    request_.discard = copy_refused_;
    if (copying_ || copy_refused_) return;
  } else if (word_of(kind).empty()) {
    // The server failed the COPY, so nothing else would end it before what follows can go.
    if (copying_ && !ends_copy(kind) && conversation_.skips_until_sync()) end_copy(context, Ending::cut);
    return;
  } else if (copying_) {  // the server failed the COPY, and the client goes on
    end_copy(context, Ending::cut);
    if (request_.dead) return;
  }
  copy_refused_ = false;
  copying_ = kind == MessageKind::copy_data || kind == MessageKind::copy_fail;
  if (copying_) {
    request_.copy = {};
    request_.is_open = false;
  }
  if (copying_ && !exchanges_.empty()) copy_number_ = exchanges_.back().copies_ended + 1;
  open_unit(context);
}

UnitInfo PostgresRelay::new_unit(Context& context) {
  const std::string_view name = principal_.empty() ? kAnonymous : std::string_view(principal_);
  // Who gives itself a name that the policy has not for it is somebody only where it comes from.
  const bool is_given = principal_ != policy_->snapshot->principal_of(client_address_);
  UnitInfo unit;
  unit.policy = policy_;
  unit.service = service_;
  unit.session = session_;
  unit.number = next_unit_++;
  unit.principal = principal_;
  unit.client_address = client_address_;
  const std::uint64_t given_from = is_given ? client_address_.source() : 0;
  unit.caller = &context.callers.find(service_->name, name, given_from, unit_.caller);
  know_caller(context, unit, given_from);
  return unit;
}

void PostgresRelay::count_request() const {
  unit_.caller->requests.add();
  counters().requests.add();
}

void PostgresRelay::open_unit(Context& context) {
  Side& in = request_;
  in.held.begin_message();
  if (adopt_newest(context)) learn_limits();
  unit_ = new_unit(context);
  came_ = context.now;
  count_request();
  in.message.begin(unit_, Direction::request);
  begin_score(context);
  if (may_hold(context)) in.message.keep_shown(false);
  settled_matches_ = 0;
  is_read_ = false;
  facts_until_ = 0;
  const bool is_judged = judges_content() || asks_sql() || may_wait(context) || is_spoiled_;
  // What is replicated has no end to wait for: it is scanned as it passes.
  in.judged = !is_judged || conversation_.phase() == postgres::Phase::copy_both;
  if (passes_unread()) in.message.look_away();
  in.passed = false;
  is_head_told_ = false;
}

// Names stand in heads.
bool PostgresRelay::judges_content() const {
  return service_->judges_request_body || service_->scan(enforce::Place::request_head) != nullptr;
}

// Before the first byte of a field is labelled: what it is, for the record and the scan.
void PostgresRelay::begin_parameter(Context& context) {
  Side& in = request_;
  const postgres::Field& field = in.reader.field();
  const bool is_setting = field.kind == FieldKind::startup_value;
  if (!is_setting)
    in.is_value = in.message.active() && is_content(field.kind);
  else if (field.first)
    in.is_value = carries_data();
  if (field.first) name_.clear();
  if (!in.is_value || is_setting) return;
  if (field.first) tell_head(context);
  if (field.first && field.kind == FieldKind::copy_error) {  // the reason is a text of its own
    end_copied(in);
    in.is_open = true;
  }
  const bool is_marked = field.kind == FieldKind::parameter || field.kind == FieldKind::argument;
  if (field.first && is_marked) begin_bound();
  make_room(context, field.first);
  in.is_value = in.message.active();
}

// Names as they come: of who calls, and of what is prepared. And where a statement ends.
void PostgresRelay::end_parameter(Bytes bytes) {
  const postgres::Field& field = request_.reader.field();
  if (field.kind == FieldKind::query_text && field.last && request_.message.active()) request_.held.mark(Item::text, 0);
  const bool is_name = field.kind == FieldKind::statement_name || field.kind == FieldKind::portal_name;
  if (!is_name && field.kind != FieldKind::startup_name && field.kind != FieldKind::startup_value) return;
  name_.append(as_text(bytes.first(std::min(bytes.size(), kMostNameBytes - name_.size()))));
  if (!field.last) return;
  if (field.kind == FieldKind::statement_name) statement_ = name_;
  const bool is_setting = field.kind == FieldKind::startup_name && carries_data();
  if (field.kind == FieldKind::startup_value && request_.is_value) request_.held.mark(Item::text, 0);
  if (is_name && request_.message.active()) carry_score(field.kind);
  if (is_name || is_setting) {  // on one line of the record, whatever it is
    head_.append(" \"").append(name_).append("\"");
    std::ranges::replace_if(head_, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  }
  if (field.kind == FieldKind::startup_value && is_user_) user_ = name_;
  is_user_ = field.kind == FieldKind::startup_name && name_ == "user";
}

// The first line of a unit on the record: what kind it is, of which names, and which of its values are binary.
void PostgresRelay::tell_head(Context& context) {
  if (std::exchange(is_head_told_, true)) return;
  const MessageKind kind = request_.reader.message().kind;
  std::string line(word_of(kind));
  if (kind == MessageKind::describe) line += request_.reader.values().target == 'S' ? " statement" : " portal";
  line += head_;
  if (kind == MessageKind::bind) line += binary_text(request_.reader.values().formats, "$");
  line += '\n';
  request_.message.plain_head(context, as_bytes(line), false);
}

void PostgresRelay::end_request(Context& context) {
  Side& in = request_;
  const MessageKind kind = in.reader.message().kind;
  in.discard = false;
  if (kind == MessageKind::copy_data) return;
  if (ends_copy(kind)) return end_copy_message(context, kind);
  if (refused_ != ErrorCode::ok) return put_in_place(context);
  if (!in.message.active() || copying_) return end_packet(context, kind);
  tell_head(context);
  judge(context, true);
  finish_request(context);
}

// All of it is here; it is gone, was refused, or waits.
void PostgresRelay::finish_request(Context& context) {
  Side& in = request_;
  if (in.dead || is_waiting()) return;
  if (refused_ != ErrorCode::ok) return put_in_place(context);
  keep_prepared();
  keep_score();
  in.message.end(context, in.held.content_end(), Ending::complete, ErrorCode::ok);
  ask(context, ErrorCode::ok);
}

// Of a message that is no unit, or comes among COPY data.
void PostgresRelay::end_packet(Context& context, MessageKind kind) {
  Side& in = request_;
  if (kind == MessageKind::ssl_request || kind == MessageKind::gss_request) {
    in.held.drop_labelled();
    conversation_.encryption_answered();
    if (++encryption_requests_ > kMostEncryptionRequests)
      return request_error(context, ErrorCode::postgres_unexpected_message);
    return say(context, response_, "N");  // what comes next can be read
  }
  if (kind == MessageKind::startup) end_startup(context);
  if (kind == MessageKind::cancel_request) pass_cancel(context);
  if (kind == MessageKind::sync) {
    is_doomed_ = is_spoiled_ = false;
    last_sync_ = conversation_.asking().id;
    ++pipeline_;
  }
  if (!in.message.active()) release(context, in, true);
}

void PostgresRelay::ask(Context& context, ErrorCode refused) {
  const postgres::Question& question = conversation_.asking();
  const MessageKind kind = request_.reader.message().kind;
  settings_.are_settled &= kind == MessageKind::parse || kind == MessageKind::bind || kind == MessageKind::describe;
  Exchange exchange{.question = question.id,
                    .pipeline = pipeline_,
                    .unit = unit_,
                    .came = came_,
                    .since = context.now,
                    .refused = {refused, std::exchange(words_, {})},
                    .flights = std::exchange(flights_, {}),
                    .score = lets_work() ? score_to_carry() : nullptr};
  if (kind == MessageKind::query || kind == MessageKind::function_call) ++pipeline_;
  if (question.skipped || question.id <= conversation_.settled_through())
    return end_silently(context, unit_, Direction::response, Ending::cut, ErrorCode::postgres_skipped);
  exchanges_.push_back(std::move(exchange));
}

void PostgresRelay::judge(Context& context, bool last) {
  Side& in = request_;
  if (const ErrorCode error = in.message.content(context, in.held, last); error != ErrorCode::ok)
    return refuse(context, error);
  // Before its end, a verdict falls where the window ends and nowhere else: see leave_window().
  if (in.judged || last) go_on_judged(context, last);
}

// With what is known of its content; with `last`, all of it.
void PostgresRelay::go_on_judged(Context& context, bool last) {
  Side& in = request_;
  if (is_spoiled_ && !in.passed) return refuse(context, ErrorCode::postgres_skipped);
  if (in.message.denied()) return refuse(context, in.message.denial());
  const bool is_late = in.judged && in.passed && in.message.hold_matches() > settled_matches_;
  if (is_late) return refuse(context, ErrorCode::rule_denied_late);  // beyond the window it is too late to wait
  if (!in.judged && last && !is_understood(context)) return;
  if (!in.judged && !may_leave(context)) return;
  in.judged = true;
  release(context, in, last);
}

// A value comes, of its own or in an array, or goes on and more follows. Many small ones are bounded as long ones are.
void PostgresRelay::make_room(Context& context, bool is_new) {
  Side& in = request_;
  if (is_waiting()) return;  // what else came with it is judged when it goes on
  const bool is_beyond = in.held.content_end() >= service_->window_bytes && (is_new || !in.reader.field().last);
  if (judging()) {
    if (is_beyond || (is_new && in.held.run_count() > Held::kMaxRuns)) leave_window(context);
    return;
  }
  if (!is_new || in.held.run_count() <= Held::kMaxRuns / 4) return;
  judge(context, false);
  if (in.message.active() && in.held.run_count() > Held::kMaxRuns) refuse(context, ErrorCode::postgres_beyond_window);
}

// A byte comes that lies beyond the window, so the verdict falls now, on the window alone. COPY data is one unit
// however long it is.
void PostgresRelay::leave_window(Context& context) {
  Side& in = request_;
  if (const ErrorCode error = in.message.content(context, in.held, false); error != ErrorCode::ok)
    return refuse(context, error);
  if (in.message.denied()) return refuse(context, in.message.denial());
  if (asks_sql()) leave_unread(context, ErrorCode::sql_too_long);
  if (!in.message.active()) return;
  if (service_->after_window == enforce::AfterWindow::deny && judges_content() && !copying_)
    return refuse(context, ErrorCode::postgres_beyond_window);
  go_on_judged(context, false);
}

// CopyDone or CopyFail: of data that came, that was refused, or of none.
void PostgresRelay::end_copy_message(Context& context, MessageKind kind) {
  if (copying_)
    end_copy(context, Ending::complete);
  else if (std::exchange(copy_refused_, false))
    request_.held.drop_labelled();
  else
    end_packet(context, kind);
  if (!exchanges_.empty()) ++exchanges_.back().copies_ended;  // what asks for data was asked last
}

// With the message that ends it, which goes behind its data.
void PostgresRelay::end_copy(Context& context, Ending ending) {
  Side& in = request_;
  end_copied(in);
  judge(context, true);
  leave_copy(context, ending);
}

void PostgresRelay::leave_copy(Context& context, Ending ending) {
  Side& in = request_;
  if (in.dead || is_waiting()) return;
  if (copying_) {
    in.message.end(context, in.held.content_end(), ending, ErrorCode::ok);
    end_silently(context, unit_, Direction::response, ending, ErrorCode::ok);
  }
  copying_ = copy_refused_ = in.discard = false;
}

// The connection cannot be read on. The client is told, unless that would fall into an answer.
void PostgresRelay::request_error(Context& context, ErrorCode error) {
  if (observes_all()) return go_opaque(context, error);
  Side& in = request_;
  const bool in_turn = exchanges_.empty() && response_.reader.idle() && response_.held.length_bytes() == 0;
  context.errors.add(error);
  counters().errors.add();
  cut_request(context, Ending::refused, error);
  in.held.clear();
  in.header_bytes = 0;
  if (!in_turn) return abort(error);
  say_error(context, "FATAL", error);
  request_.dead = response_.dead = true;
  error_ = error;
  if (fate_ == Fate::run) fate_ = Fate::close;
}

}  // namespace sluice::session
