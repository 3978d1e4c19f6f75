// Holds: a unit that waits for a reviewer's decision. What is the same in every protocol: what makes it wait, what
// people are shown of it, and what ends it: a decision, an order, the policy's timeout, an end of the client or of the
// server.
#include <fmt/format.h>

#include "common/bytes.h"
#include "dataplane/session/relay.h"
#include "dataplane/session/session.h"

namespace sluice::session {
namespace {

HoldEnding ending_of(ErrorCode error) {
  switch (error) {
    case ErrorCode::hold_rejected:
    case ErrorCode::order_denied:
      return HoldEnding::denied;
    case ErrorCode::hold_expired:
      return HoldEnding::expired;
    case ErrorCode::hold_abandoned:
    case ErrorCode::postgres_canceled:
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

// Whether people may come to see what this unit is.
bool Relay::may_hold(const Context& context) const {
  return service_->mode == enforce::Mode::enforce &&
         (service_->may_hold || service_->hold.ticket || context.holds.has_orders());
}

enforce::OrderedUnit Relay::ordered_unit(const enforce::Fingerprint* fingerprint) const {
  return {.service = service_->name,
          .principal = principal_,
          .network = policy_->snapshot->principal_of(client_address_),
          .session = session_,
          .address = client_address_,
          .fingerprint = fingerprint};
}

const enforce::Order* Relay::order_now(Context& context) const {
  if (!context.holds.has_orders()) return nullptr;
  return context.holds.order_for(ordered_unit(nullptr), context.now);
}

// The order that the unit must obey, good for as long as this burst; where it is only observed, its record says what
// would have been.
const enforce::Order* Relay::meet_order(Context& context) {
  const enforce::Order* order = order_now(context);
  if (order == nullptr || service_->mode == enforce::Mode::enforce) return order;
  if (order->verdict != OrderVerdict::pass)
    asked().note_order(order->verdict == OrderVerdict::deny ? Verdict::deny : Verdict::hold);
  return nullptr;
}

// What makes the unit wait, of all that may: what was found in it, a limit that holds, and the order that it met, which
// may let it pass instead.
std::optional<Relay::HoldReason> Relay::what_holds(Context& context, const enforce::Order* order,
                                                   const enforce::Limit* limit) {
  if (order != nullptr && order->verdict == OrderVerdict::pass) {
    settle_by(context, *order, limit);
    return std::nullopt;
  }
  if (asked().hold_matches() > settled_matches_) return what_was_found(context);
  if (limit != nullptr) return HoldReason{.cause = HoldCause::limit, .name = std::string(limit->name)};
  if (order != nullptr) return HoldReason{.cause = HoldCause::order, .name = {}, .order = order};
  return std::nullopt;
}

// By a rule that holds, or for a score above a line that does.
Relay::HoldReason Relay::what_was_found(Context& context) const {
  if (!asked().hold_rule().empty()) return {.cause = HoldCause::rule, .name = std::string(asked().hold_rule())};
  return {.cause = HoldCause::score, .name = asked().score_text(context.work)};
}

// A grant lets pass what else would be held, now or when its body is there.
void Relay::settle_by(Context& context, const enforce::Order& order, const enforce::Limit* limit) {
  Message& message = asked();
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

NewHold Relay::new_hold(Context& context, HoldCause cause, std::string_view name, std::uint64_t order,
                        const enforce::Fingerprint* ticket) const {
  const Session* session = context.session;
  return {.session = session_,
          .unit = asked().unit().number,
          .service = service_->name,
          .principal = principal_,
          .network = policy_->snapshot->principal_of(client_address_),
          .client_address = client_address_,
          .client_port = session == nullptr ? std::uint16_t{0} : session->flow().client_port,
          .cause = cause,
          .cause_name = name,
          .order = order,
          .score = asked().score(),
          .policy_version = policy_->snapshot->version(),
          .timeout = service_->hold.timeout,
          .passes_on_timeout = service_->hold.pass_on_timeout,
          .ticket = ticket,
          .waiter = ticket == nullptr ? context.session : nullptr};
}

// It waits from now on; where too many do, the policy's timeout decides at once.
Relay::HoldOutcome Relay::open_hold(Context& context, const HoldReason& reason) {
  const std::uint64_t order = reason.order == nullptr ? 0 : reason.order->id;
  Hold* hold =
      context.holds.open(new_hold(context, reason.cause, reason.name, order, nullptr), context.now, context.wall);
  if (hold == nullptr) {
    if (!service_->hold.pass_on_timeout) return HoldOutcome::refused;
    settled_matches_ = std::max(settled_matches_, asked().hold_matches());
    context.errors.add(ErrorCode::holds_exhausted);
    return HoldOutcome::passes;
  }
  context.errors.add(ErrorCode::unit_held);
  hold_.set(context.holds, hold);
  hold_until_ = reason.order == nullptr ? kNever : reason.order->until;
  hold_shown_ = wants_server_ = false;
  const bool is_found = reason.cause == HoldCause::rule || reason.cause == HoldCause::score;
  seen_matches_ = is_found ? asked().hold_matches() : settled_matches_;
  return HoldOutcome::waits;
}

// It is over; how that came about stands on the unit's record.
void Relay::end_hold(Context& context, HoldEnding ending, bool passed) {
  const Hold& hold = *hold_;
  asked().note_held(
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

void Relay::end_hold(Context& context, ErrorCode why) {
  end_hold(context, ending_of(why), false);
}

// What there is of it by now is shown: at first as it is, and again when `all` of it is there, or as much as people
// see.
void Relay::show_hold(Context& context, std::string_view head, std::string_view body, std::uint64_t body_bytes,
                      bool all) {
  if (hold_->ever_told && (hold_shown_ || !all)) return;
  if (!context.holds.show(*hold_, head, body, body_bytes)) return;
  hold_->score = asked().score();
  if (hold_->cause == HoldCause::score) copy_name(hold_->cause_name, asked().score_text(context.work));
  hold_shown_ = all;
  seen_matches_ = std::max(seen_matches_, asked().hold_matches());
}

// The pause that it waits for is over, or was taken back: it goes on unless there is another one.
bool Relay::is_paused_no_more(Context& context) {
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
Relay::HoldOutcome Relay::judge_hold(Context& context) {
  const bool expired = context.now >= hold_->deadline && !wants_server_;
  const bool resumed = hold_->decision == Hold::Decision::none && is_paused_no_more(context);
  const bool is_decided = hold_->decision != Hold::Decision::none;
  if (!is_decided && !expired && !resumed) return HoldOutcome::waits;
  // A decision is about what could be seen, the policy's about all there is; the end of a pause says nothing of either.
  passes_as_ = is_decided || resumed ? HoldEnding::passed : HoldEnding::expired;
  settles_ = is_decided ? seen_matches_ : resumed ? settled_matches_ : ~std::uint32_t{0};
  const bool pass = is_decided ? hold_->decision == Hold::Decision::pass : resumed || hold_->passes_on_timeout;
  return pass ? HoldOutcome::passes : HoldOutcome::refused;
}

ErrorCode Relay::hold_refusal() const {
  if (hold_->decision == Hold::Decision::none) return ErrorCode::hold_expired;
  return hold_->by_order ? ErrorCode::order_denied : ErrorCode::hold_rejected;
}

// As judge_hold() found.
void Relay::pass_hold(Context& context) {
  end_hold(context, passes_as_, true);
  settled_matches_ = std::max(settled_matches_, std::min(settles_, asked().hold_matches()));
}

}  // namespace sluice::session
