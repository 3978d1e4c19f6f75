// Holds: a request that waits for a reviewer's decision. Its head stays here, and so nothing of it leaves; what its
// client sends of it is read, judged and kept, up to what the policy says, and nothing behind it is read. A decision,
// an order, the policy's timeout, an end of the client, or a rule that refuses it meanwhile ends it. A limit or an
// order holds at the head, before there is a body; a rule when the verdict falls.
#include <fmt/format.h>

#include "common/bytes.h"
#include "common/stage_clock.h"
#include "dataplane/session/http_relay.h"
#include "dataplane/session/session.h"

namespace sluice::session {
namespace {

ErrorCode error_of(const Hold& hold) {
  return hold.by_order ? ErrorCode::order_denied : ErrorCode::hold_rejected;
}

HoldEnding ending_of(ErrorCode error) {
  switch (error) {
    case ErrorCode::hold_rejected:
    case ErrorCode::order_denied:
      return HoldEnding::denied;
    case ErrorCode::hold_expired:
      return HoldEnding::expired;
    case ErrorCode::hold_abandoned:
    case ErrorCode::tcp_reset_by_client:
      return HoldEnding::abandoned;
    case ErrorCode::hold_server_gone:
      return HoldEnding::server_gone;
    default:
      return HoldEnding::cut;
  }
}

}  // namespace

std::string told_cause(HoldCause cause, std::string_view name, std::uint64_t number) {
  switch (cause) {
    case HoldCause::limit:
      return fmt::format("limit/{}", name);
    case HoldCause::rule:
      return fmt::format("rule/{}", name);
    case HoldCause::score:
      return fmt::format("score/{}", number);
    case HoldCause::order:
      break;
  }
  return fmt::format("order/{}", number);
}

const enforce::Order* HttpRelay::order_now(Context& context) const {
  if (!context.holds.has_orders()) return nullptr;
  return context.holds.order_for(ordered_unit(nullptr), context.now);
}

// Whether people may come to see what this request is.
bool HttpRelay::may_hold(const Context& context) const {
  return service_->mode == enforce::Mode::enforce &&
         (service_->may_hold || service_->hold.ticket || context.holds.has_orders());
}

// On a request's head: true when an order refused it, or would have.
bool HttpRelay::obey_orders(Context& context) {
  held_by_order_ = nullptr;
  const enforce::Order* order = order_now(context);
  if (order == nullptr) return false;
  if (service_->mode == enforce::Mode::observe) {
    if (order->verdict != OrderVerdict::pass)
      request_.message.note_order(order->verdict == OrderVerdict::deny ? Verdict::deny : Verdict::hold);
    return false;
  }
  if (order->verdict == OrderVerdict::deny) {
    refuse(context, ErrorCode::order_denied, fmt::format("order {}", order->id),
           request_.reader.head().expect_continue);
    return true;
  }
  held_by_order_ = order;  // good for as long as this burst
  return false;
}

// On a request's head, after its rules and limits: true when it waits, or was refused.
bool HttpRelay::hold_at_head(Context& context, const enforce::Limit* limit) {
  const enforce::Order* order = std::exchange(held_by_order_, nullptr);
  const bool ruled = request_.message.hold_matches() > settled_matches_;
  if (order != nullptr && order->verdict == OrderVerdict::pass) {
    settle_by(context, *order, limit);
    return may_be_decided(context);
  }
  if (ruled) return hold_for_findings(context);
  if (limit != nullptr) return begin_hold(context, HoldCause::limit, limit->name, nullptr);
  if (order != nullptr) return begin_hold(context, HoldCause::order, {}, order);
  return may_be_decided(context);
}

// A grant lets pass what else would be held, now or when its body is there.
void HttpRelay::settle_by(Context& context, const enforce::Order& order, const enforce::Limit* limit) {
  Message& message = request_.message;
  settled_matches_ = ~std::uint32_t{0};
  if (limit == nullptr && message.hold_matches() == 0 && !order.once) return;
  if (order.once && limit == nullptr && message.hold_matches() == 0) {
    settled_matches_ = 0;  // it is kept for what needs it
    return;
  }
  const HoldCause found = message.hold_rule().empty() ? HoldCause::score : HoldCause::rule;
  const std::string name = limit != nullptr ? told_cause(HoldCause::limit, limit->name, 0)
                                            : told_cause(found, message.hold_rule(), message.score());
  message.note_held({.hold = 0, .cause = name, .passed = true, .by = order.by, .reason = order.reason});
  context.holds.use(order, session_, message.unit().number);
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
  if (order != nullptr && order->verdict == OrderVerdict::pass) {
    settle_by(context, *order, nullptr);
    return false;
  }
  return hold_for_findings(context);
}

// For what a rule that holds found, or for a score above a line that does.
bool HttpRelay::hold_for_findings(Context& context) {
  const Message& message = request_.message;
  if (!message.hold_rule().empty()) return begin_hold(context, HoldCause::rule, message.hold_rule(), nullptr);
  return begin_hold(context, HoldCause::score, message.score_text(context.work), nullptr);
}

NewHold HttpRelay::new_hold(Context& context, HoldCause cause, std::string_view name, std::uint64_t order,
                            const enforce::Fingerprint* ticket) const {
  const Session* session = context.session;
  return {.session = session_,
          .unit = request_.message.unit().number,
          .service = service_->name,
          .principal = principal_,
          .network = policy_->snapshot->principal_of(client_address_),
          .client_address = client_address_,
          .client_port = session == nullptr ? std::uint16_t{0} : session->flow().client_port,
          .cause = cause,
          .cause_name = name,
          .order = order,
          .score = request_.message.score(),
          .policy_version = policy_->snapshot->version(),
          .timeout = service_->hold.timeout,
          .passes_on_timeout = service_->hold.pass_on_timeout,
          .ticket = ticket,
          .waiter = ticket == nullptr ? context.session : nullptr};
}

bool HttpRelay::begin_hold(Context& context, HoldCause cause, std::string_view name, const enforce::Order* order) {
  const enforce::HoldTerms& terms = service_->hold;
  if (terms.ticket) return begin_ticket(context, cause, name, order);
  Hold* hold = context.holds.open(new_hold(context, cause, name, order == nullptr ? 0 : order->id, nullptr),
                                  context.now, context.wall);
  if (hold == nullptr) {
    if (terms.pass_on_timeout) {
      settled_matches_ = std::max(settled_matches_, request_.message.hold_matches());
      context.errors.add(ErrorCode::holds_exhausted);
      return false;
    }
    refuse(context, ErrorCode::holds_exhausted, "", request_.reader.head().expect_continue);
    return true;
  }
  context.errors.add(ErrorCode::unit_held);
  hold_.set(context.holds, hold);
  hold_until_ = order == nullptr ? kNever : order->until;
  hold_whole_ = hold_shown_ = wants_server_ = false;
  const bool is_found = cause == HoldCause::rule || cause == HoldCause::score;
  seen_matches_ = is_found ? request_.message.hold_matches() : settled_matches_;
  request_.head_ready = false;
  if (exchanges_.back().continue_due) send_continue(context);  // so that there is a body to go on with, and to be seen
  return true;
}

// It is over; how that came about stands on the request's record.
void HttpRelay::end_hold(Context& context, HoldEnding ending, bool passed) {
  const Hold& hold = *hold_;
  request_.message.note_held(
      {.hold = hold.id,
       .cause = told_cause(hold.cause, hold.cause_name, hold.cause == HoldCause::score ? hold.score : hold.order),
       .waited = context.now - std::min(context.now, hold.began),
       .passed = passed,
       .by = hold.decision == Hold::Decision::none ? "" : hold.by,
       .reason = hold.decision == Hold::Decision::none ? "" : hold.reason,
       .ending = static_cast<std::uint8_t>(ending)});
  hold_.end(ending, context.wall);
  wants_server_ = false;
}

void HttpRelay::end_hold(Context& context, ErrorCode why) {
  end_hold(context, ending_of(why), false);
}

// What there is of it by now is shown: at first as it is, and again when all of it is there.
void HttpRelay::show_hold(Context& context) {
  const Message::Shown* shown = request_.message.shown();
  if (shown == nullptr) return;
  const bool all = hold_whole_ || shown->body.size() >= Message::Shown::kMostBytes;
  if (hold_->ever_told && (hold_shown_ || !all)) return;
  if (!context.holds.show(*hold_, shown->head, shown->body, request_.held.content_end())) return;
  hold_->score = request_.message.score();
  if (hold_->cause == HoldCause::score) copy_name(hold_->cause_name, request_.message.score_text(context.work));
  hold_shown_ = all;
  seen_matches_ = std::max(seen_matches_, request_.message.hold_matches());
}

// The pause that it waits for is over, or was taken back: it goes on unless there is another one.
bool HttpRelay::is_paused_no_more(Context& context) {
  if (hold_->cause != HoldCause::order) return false;
  if (!hold_->judge_anew && context.now < hold_until_) return false;
  hold_->judge_anew = false;
  const enforce::Order* order = order_now(context);
  if (order != nullptr && order->verdict == OrderVerdict::deny) {
    context.holds.decide(*hold_, false, true, order->by, order->reason, context.wall);
    return false;
  }
  const bool is_paused = order != nullptr && order->verdict == OrderVerdict::hold;
  hold_until_ = is_paused ? order->until : context.now;  // so that it is found over again if it cannot go now
  return !is_paused;
}

// The decision came, or nobody's did in time.
void HttpRelay::go_on_held(Context& context) {
  if (!is_held() || fate_ != Fate::run) return;
  show_hold(context);
  const bool expired = context.now >= hold_->deadline && !wants_server_;
  const bool resumed = hold_->decision == Hold::Decision::none && is_paused_no_more(context);
  if (hold_->decision == Hold::Decision::none && !expired && !resumed) return;
  if (!has_room(context)) {
    starved_ = true;
    return;
  }
  const bool is_decided = hold_->decision != Hold::Decision::none;
  const bool pass = is_decided ? hold_->decision == Hold::Decision::pass : resumed || hold_->passes_on_timeout;
  // A decision is about what could be seen, the policy's about all there is; the end of a pause says nothing of either.
  passes_as_ = is_decided || resumed ? HoldEnding::passed : HoldEnding::expired;
  settles_ = is_decided ? seen_matches_ : resumed ? settled_matches_ : ~std::uint32_t{0};
  if (pass && server_absent_) {
    wants_server_ = true;
  } else if (pass) {
    pass_hold(context);
  } else {
    const bool close = server_absent_ || request_.reader.head().expect_continue;
    refuse(context, hold_->decision == Hold::Decision::none ? ErrorCode::hold_expired : error_of(*hold_), "", close);
    advance(context);
  }
}

// As if it had never waited; but what a rule found meanwhile, and nobody saw, waits in its turn.
void HttpRelay::pass_hold(Context& context) {
  end_hold(context, passes_as_, true);
  settled_matches_ = std::max(settled_matches_, std::min(settles_, request_.message.hold_matches()));
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
    pass_hold(context);
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
