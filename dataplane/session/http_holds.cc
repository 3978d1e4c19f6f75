// Holds of HTTP: the head of a request that waits stays here, and so nothing of it leaves; what its client sends of it
// is read, judged and kept, up to what the policy says, and nothing behind it is read. A limit or an order holds at the
// head, before there is a body; a rule when the verdict falls.
#include <fmt/format.h>

#include "dataplane/session/http_relay.h"

namespace sluice::session {

// On a request's head: true when an order refused it.
bool HttpRelay::obey_orders(Context& context) {
  held_by_order_ = meet_order(context);
  if (held_by_order_ == nullptr || held_by_order_->verdict != OrderVerdict::deny) return false;
  refuse(context, ErrorCode::order_denied, fmt::format("order {}", std::exchange(held_by_order_, nullptr)->id),
         request_.reader.head().expect_continue);
  return true;
}

// On a request's head, after its rules and limits: true when it waits, or was refused.
bool HttpRelay::hold_at_head(Context& context, const enforce::Limit* limit) {
  const auto reason = what_holds(context, std::exchange(held_by_order_, nullptr), limit);
  return reason ? begin_hold(context, *reason) : may_be_decided(context);
}

// Its answer is under way, or was given: unasked, before all of it was there.
bool HttpRelay::is_answered_early() {
  const bool begins = response_.message.active() || !response_.reader.idle();
  return current_exchange() == nullptr || (exchanges_.size() == 1 && begins);
}

// When the verdict falls on what is there of a request: true when it waits, or was refused.
bool HttpRelay::hold_at_verdict(Context& context) {
  if (takes_whole() || request_.message.hold_matches() <= settled_matches_) return false;
  if (is_answered_early()) {  // nobody waits for it any more
    request_error(context, ErrorCode::rule_denied);
    return true;
  }
  const enforce::Order* order = order_now(context);
  const bool is_granted = order != nullptr && order->verdict == OrderVerdict::pass;
  const auto reason = what_holds(context, is_granted ? order : nullptr, nullptr);
  return reason && begin_hold(context, *reason);
}

bool HttpRelay::begin_hold(Context& context, const HoldReason& reason) {
  if (service_->hold.ticket) return begin_ticket(context, reason);
  switch (open_hold(context, reason)) {
    case HoldOutcome::passes:
      return false;
    case HoldOutcome::refused:
      refuse(context, ErrorCode::holds_exhausted, "", request_.reader.head().expect_continue);
      return true;
    case HoldOutcome::waits:
      break;
  }
  hold_whole_ = request_.head_ready = false;
  if (exchanges_.back().continue_due) send_continue(context);  // so that there is a body to go on with, and to be seen
  return true;
}

// What there is of it by now.
void HttpRelay::show_held(Context& context) {
  const Message::Shown* shown = request_.message.shown();
  if (shown == nullptr) return;
  show_hold(context, shown->head, shown->body, request_.held.content_end(),
            hold_whole_ || shown->body.size() >= Message::Shown::kMostBytes);
}

void HttpRelay::go_on_held(Context& context) {
  if (!is_held() || fate_ != Fate::run) return;
  show_held(context);
  const HoldOutcome outcome = judge_hold(context);
  if (outcome == HoldOutcome::waits) return;
  if (!has_room(context)) {
    starved_ = true;
    return;
  }
  if (outcome == HoldOutcome::passes && server_absent_) {
    wants_server_ = true;
  } else if (outcome == HoldOutcome::passes) {
    go_on_passed(context);
  } else {
    refuse(context, hold_refusal(), "", server_absent_ || request_.reader.head().expect_continue);
    advance(context);
  }
}

// As if it had never waited; but what a rule found meanwhile, and nobody saw, waits in its turn.
void HttpRelay::go_on_passed(Context& context) {
  pass_hold(context);
  const bool whole = hold_whole_;
  if (request_.judged && hold_at_verdict(context)) {
    hold_whole_ = whole;
    return advance(context);
  }
  request_.head_ready = true;
  if (!service_->judges_request_body) request_.judged = true;
  if (request_.judged) release(context, request_, whole);
  if (whole && !request_.paused && request_.message.active())
    request_.message.end(context, request_.held.content_end(), Ending::complete, ErrorCode::ok);
  advance(context);
}

// The server is there again, or can not be called.
void HttpRelay::server_called(Context& context, bool answered) {
  server_absent_ = false;
  if (!is_held()) return;
  if (answered) {
    go_on_passed(context);
    return;
  }
  refuse(context, ErrorCode::hold_server_gone, "", true);
  advance(context);
}

// Nobody waits for it any more.
void HttpRelay::abandon(Context& context) {
  if (!is_held()) return;
  context.errors.add(ErrorCode::hold_abandoned);
  end_hold(context, ErrorCode::hold_abandoned);
  Side& in = request_;
  in.message.content(context, in.held, true);
  in.message.end(context, in.held.content_end(), Ending::cut, ErrorCode::hold_abandoned);
  end_unanswered(context, exchanges_.back(), ErrorCode::hold_abandoned);
  exchanges_.pop_back();
  in.held.clear();
  in.paused = false;
  in.dead = in.finished = true;
  if (error_ == ErrorCode::ok) error_ = ErrorCode::hold_abandoned;
  if (exchanges_.empty()) fate_ = Fate::close;
}

}  // namespace sluice::session
