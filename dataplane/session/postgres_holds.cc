// Holds of PostgreSQL: the message that waits stays here, whole or up to where the window ends. The client hears of it
// in a NoticeResponse, between the server's messages, and can give it up as it would at the server: by a request to
// cancel. What is refused then is told in the place of the statement's answer, with who decided.
#include <fmt/format.h>

#include "common/session_id.h"
#include "dataplane/protocol/postgres/writer.h"
#include "dataplane/session/postgres_relay.h"
#include "segment/values_text.h"

namespace sluice::session {
namespace {

using postgres::MessageKind;

constexpr std::size_t kMostNoticeBytes = 1024;

bool is_of_copy(MessageKind kind) {
  return kind == MessageKind::copy_data || kind == MessageKind::copy_done || kind == MessageKind::copy_fail;
}

}  // namespace

// True when it waits, or was refused.
bool PostgresRelay::begin_hold(Context& context, const HoldReason& reason) {
  if (copying_ && !is_of_copy(request_.reader.message().kind)) {
    refuse(context, ErrorCode::rule_denied);  // the server has failed the COPY, and nobody waits for its data
    return true;
  }
  switch (open_hold(context, reason)) {
    case HoldOutcome::passes:
      return false;
    case HoldOutcome::refused:
      refuse(context, ErrorCode::holds_exhausted);
      return true;
    case HoldOutcome::waits:
      break;
  }
  cancel_wait_.begin(context.cancels, cancel_key_, context.session);
  const std::string id = format_session_id(hold_->id);
  notice_.clear();
  postgres::Writer(notice_, kMostNoticeBytes)
      .notice({.severity = "NOTICE",
               .code = "00000",
               .message = fmt::format("this waits for a decision: hold {}", id),
               .hint = fmt::format("\"sluice holds show {}\" tells about it; cancel it to give it up.", id)});
  show_held(context);
  return true;
}

// A statement, or values, of which later units only say the name.
void PostgresRelay::keep_prepared() {
  const MessageKind kind = request_.reader.message().kind;
  if (request_.message.shown() == nullptr) return;
  if (kind == MessageKind::parse) prepared_.keep(conversation_.asking().statement, shown_body());
  if (kind == MessageKind::bind) prepared_.keep(conversation_.asking().portal, shown_body());
}

// What a unit names, and what it says itself.
std::string PostgresRelay::shown_body() const {
  const MessageKind kind = request_.reader.message().kind;
  const postgres::Question& question = conversation_.asking();
  std::string_view named;
  if (kind == MessageKind::bind) named = prepared_.find(question.statement);
  if (kind == MessageKind::execute) named = prepared_.find(question.portal);
  const std::string own = values_text(request_.message.shown()->body);
  return fmt::format("{}{}{}", named, named.empty() || own.empty() ? "" : "\n", own);
}

void PostgresRelay::show_held(Context& context) {
  const Message::Shown* shown = request_.message.shown();
  if (shown == nullptr) return;
  const std::string body = shown_body();
  const bool is_all = shown->body.size() < Message::Shown::kMostBytes;
  show_hold(context, shown->head, body, is_all ? body.size() : request_.held.content_end(), true);
}

// As was decided: it may go, or was refused, or waits for what nobody saw before.
void PostgresRelay::settle_hold(Context& context, HoldOutcome outcome) {
  if (outcome == HoldOutcome::refused) {
    Words words{.detail = fmt::format("hold {}", format_session_id(hold_->id)), .hint = {}};
    if (hold_->decision != Hold::Decision::none)
      words.detail += fmt::format(", decided by {}: {}", hold_->by, hold_->reason);
    return refuse(context, hold_refusal(), std::move(words));
  }
  pass_hold(context);
  end_wait(context, ErrorCode::ok);
  request_.judged = true;
  if (asked().hold_matches() <= settled_matches_) return;
  const auto reason = what_holds(context, nullptr, nullptr);
  request_.judged = !begin_hold(context, *reason);
}

// Whatever it waited for, it does no more.
void PostgresRelay::end_wait(Context& context, ErrorCode why) {
  if (is_held()) end_hold(context, why);
  end_throttle();
  end_facts_wait();
  cancel_wait_.end();
  notice_.clear();
  if (why != ErrorCode::ok) flights_.clear();
}

bool PostgresRelay::waits_as_question() const {
  return is_waiting() && request_.reader.idle() && !copying_ &&
         conversation_.asking().kind != postgres::QuestionKind::none;
}

// What the server says while a message waits: between two of its own the client hears of the hold, and when it failed
// something before it in the pipeline there is nothing to wait for: true, and what follows can be read.
bool PostgresRelay::follow_server(Context& context) {
  if (waits_as_question() && conversation_.asking().id <= conversation_.settled_through()) {
    refuse(context, ErrorCode::postgres_skipped);
    leave_waiting(context);
    return true;
  }
  const bool in_turn = response_.reader.idle() && response_.held.length_bytes() == 0;
  if (notice_.empty() || !in_turn || response_.dead || response_.finished) return false;
  say(context, response_, notice_);
  notice_.clear();
  return false;
}

// Its connection was the transaction, and cannot be had again.
void PostgresRelay::lose_server(Context& context, bool in_turn) {
  context.errors.add(ErrorCode::hold_server_gone);
  cut_request(context, Ending::refused, ErrorCode::hold_server_gone);
  request_.held.clear();
  request_.header_bytes = 0;
  request_.dead = true;
  if (in_turn) say_error(context, "FATAL", ErrorCode::hold_server_gone);
  if (error_ == ErrorCode::ok) error_ = ErrorCode::hold_server_gone;
  if (fate_ == Fate::run) fate_ = Fate::close;
}

// Nobody waits for it any more.
void PostgresRelay::abandon(Context& context) {
  if (!is_held()) return;
  context.errors.add(ErrorCode::hold_abandoned);
  cut_request(context, Ending::cut, ErrorCode::hold_abandoned);
  request_.held.clear();
  request_.header_bytes = 0;
  request_.dead = request_.finished = true;
  if (error_ == ErrorCode::ok) error_ = ErrorCode::hold_abandoned;
  if (exchanges_.empty() && fate_ == Fate::run) fate_ = Fate::close;
}

// What the server told the client to cancel with.
void PostgresRelay::learn_cancel_key(const Context& context) {
  const postgres::Values& values = response_.reader.values();
  cancel_key_ = Cancels::key_of(context.hash_key, server_address_, service_->port, values.process, values.key);
}

// This connection is there to cancel a statement of another; the server hears of it all the same.
void PostgresRelay::pass_cancel(Context& context) const {
  const postgres::Values& values = request_.reader.values();
  context.cancels.ask(Cancels::key_of(context.hash_key, server_address_, service_->port, values.process, values.key));
}

}  // namespace sluice::session
