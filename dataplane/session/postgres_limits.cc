// Limits of PostgreSQL: what lets the server work (a Query, an Execute, a FunctionCall) is asked about when all of it
// is here, and waits, or is refused, as a whole. What only prepares work (Parse, Bind) counts for nothing.
#include <fmt/format.h>

#include "common/stage_clock.h"
#include "dataplane/session/postgres_relay.h"

namespace sluice::session {

using enforce::Order;
using postgres::MessageKind;

// What limits count and orders stop.
bool PostgresRelay::lets_work() const {
  const MessageKind kind = request_.reader.message().kind;
  return !copying_ &&
         (kind == MessageKind::query || kind == MessageKind::execute || kind == MessageKind::function_call);
}

// When a unit begins: whether its bytes must stay here until its end, beside what is looked for in them.
bool PostgresRelay::may_wait(const Context& context) const {
  return lets_work() && (!limits().empty() || !service_->risk.lines.empty() || context.holds.has_orders());
}

// What a unit must pass once its content was judged, before its first byte goes to the server. False: it waits, or was
// refused.
bool PostgresRelay::may_leave(Context& context) {
  if (is_doomed_ || conversation_.asking().skipped) return true;  // the server skips it
  const StageScope stage(Stage::enforce);
  const bool is_work = lets_work();
  const Order* order = is_work ? meet_order(context) : order_now(context);
  const enforce::Limit* held_by = nullptr;
  if (is_work && !pass_limits(context, order, held_by)) return false;
  if (!is_work && order != nullptr && order->verdict != OrderVerdict::pass) order = nullptr;
  const auto reason = what_holds(context, order, held_by);
  return !reason || !begin_hold(context, *reason);
}

// Orders first: what one denies takes nothing of a limit.
bool PostgresRelay::pass_limits(Context& context, const Order* order, const enforce::Limit*& held_by) {
  const bool again = end_throttle();
  if (order != nullptr && order->verdict == OrderVerdict::deny) {
    refuse(context, ErrorCode::order_denied,
           {.detail = fmt::format("order {}: {}", order->id, order->reason), .hint = {}});
    return false;
  }
  const LimitAnswer answer = ask_limits(context, again, {}, flights_);
  switch (answer.says) {
    case LimitAnswer::Says::pass:
      cancel_wait_.end();
      held_by = answer.by;
      return true;
    case LimitAnswer::Says::wait:
      if (!again) cancel_wait_.begin(context.cancels, cancel_key_, context.session);
      return false;
    case LimitAnswer::Says::refuse:
      break;
  }
  refuse(context, ErrorCode::limit_exceeded,
         {.detail = fmt::format("limit {}", answer.by->name),
          .hint = fmt::format("It may have room in {} s.", answer.retry_after_seconds)});
  return false;
}

// A request to cancel, time, facts, or a decision may have ended what a message waits for.
void PostgresRelay::go_on_waiting(Context& context) {
  if (fate_ != Fate::run) return;
  if (is_held()) show_held(context);
  const bool is_cancelled = cancel_wait_.is_asked();
  const HoldOutcome outcome = is_held() && !is_cancelled ? judge_hold(context) : HoldOutcome::waits;
  const bool is_due = awaits_facts_ ? !facts_wait_.is_waiting() || context.now >= facts_until_
                                    : is_throttled() && context.now >= throttled_until_;
  if (!is_cancelled && !is_due && outcome == HoldOutcome::waits) return;
  if (!has_room(context)) {
    starved_ = true;
    return;
  }
  if (is_cancelled)
    refuse(context, ErrorCode::postgres_canceled);
  else if (is_held())
    settle_hold(context, outcome);
  else
    end_facts_wait();
  go_on_waited(context);
}

void PostgresRelay::go_on_waited(Context& context) {
  leave_waiting(context);
  advance(context);
}

// It goes on from where it began to wait: at its end, at the end of its COPY data, or where the window ends.
void PostgresRelay::leave_waiting(Context& context) {
  const MessageKind kind = request_.reader.message().kind;
  const bool whole = request_.reader.idle();
  if (request_.message.active() && !is_held()) go_on_judged(context, whole);
  if (whole && (kind == MessageKind::copy_done || kind == MessageKind::copy_fail))
    leave_copy(context, Ending::complete);
  else if (whole && kind != MessageKind::copy_data)
    finish_request(context);
}

}  // namespace sluice::session
