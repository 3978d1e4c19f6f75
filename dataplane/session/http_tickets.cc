// Tickets: for callers that cannot wait, a request that is held is answered at once, with an id, and passes once when
// it comes again and was approved. What it is known by is all of it, so it is taken whole first, up to what the policy
// lets a hold take; nothing of it leaves before. So is a request that is not held itself, where somebody rejected one
// of its caller's: it may be that one.
#include <fmt/format.h>

#include "dataplane/session/http_relay.h"

namespace sluice::session {

// Always true: it waits for its own end, or was refused.
bool HttpRelay::begin_ticket(Context& context, const HoldReason& reason) {
  if (std::max(request_.reader.head().content_length, request_.held.content_end()) > service_->hold.body_bytes) {
    refuse(context, ErrorCode::hold_ticket_too_large, "", true);
    return true;
  }
  await_ticket(context);
  ticket_->needed = true;
  ticket_->cause = reason.cause;
  ticket_->name = reason.name;
  ticket_->order = reason.order == nullptr ? 0 : reason.order->id;
  return true;
}

void HttpRelay::await_ticket(Context& context) {
  if (ticket_ == nullptr) ticket_ = std::make_unique<Ticket>();
  request_.head_ready = false;
  if (exchanges_.back().continue_due) send_continue(context);
}

// Nothing holds this request; but somebody decided on one that it may be.
bool HttpRelay::may_be_decided(Context& context) {
  const bool gives = service_->hold.ticket && service_->mode == enforce::Mode::enforce;
  if (!gives || !context.holds.may_know(ordered_unit(nullptr), context.now)) return false;
  await_ticket(context);
  return true;
}

// True when it is longer than what a ticket stands for, and was refused.
bool HttpRelay::outgrows_ticket(Context& context) {
  if (ticket_ == nullptr || request_.held.content_end() <= service_->hold.body_bytes) return false;
  if (ticket_->needed) {
    ticket_.reset();
    request_error(context, ErrorCode::hold_ticket_too_large);
    return true;
  }
  ticket_.reset();  // none was given for so long a one
  request_.head_ready = true;
  return false;
}

// Orders may have come while it was taken whole: false when one refused it.
bool HttpRelay::obey_new_orders(Context& context, Ticket& ticket) {
  const enforce::Order* order = order_now(context);
  if (order == nullptr || order->verdict == OrderVerdict::pass) return true;
  if (order->verdict == OrderVerdict::deny) {
    refuse(context, ErrorCode::order_denied, fmt::format("order {}", order->id), false);
    return false;
  }
  if (!ticket.needed) {
    ticket.needed = true;
    ticket.cause = HoldCause::order;
    ticket.name = {};
    ticket.order = order->id;
  }
  return true;
}

// All of it is here: true when it goes on.
bool HttpRelay::settle_ticket(Context& context) {
  const std::unique_ptr<Ticket> ticket = std::exchange(ticket_, nullptr);
  if (!obey_new_orders(context, *ticket)) return false;
  const auto fingerprint = request_.message.fingerprint(context.holds.ticket_key(), request_.held.content_end());
  if (!fingerprint) {
    refuse(context, ErrorCode::holds_exhausted, "", false);
    return false;
  }
  const enforce::Order* order = context.holds.decided_for(ordered_unit(&*fingerprint), context.now);
  if (order != nullptr && order->verdict == OrderVerdict::deny) {
    refuse(context, ErrorCode::hold_rejected, fmt::format("order {}", order->id), false);
    return false;
  }
  const bool is_approved = order != nullptr && order->verdict == OrderVerdict::pass;
  if (ticket->needed && !is_approved) {
    give_ticket(context, *ticket, *fingerprint);
    return false;
  }
  if (server_absent_) {  // its client asks again, and the approval is still there
    refuse(context, ErrorCode::hold_server_gone, "", true);
    return false;
  }
  Message& message = request_.message;
  if (ticket->needed) {
    const std::string cause = told_cause(ticket->cause, ticket->name, number_of(*ticket));
    message.note_held({.hold = 0, .cause = cause, .passed = true, .by = order->by, .reason = order->reason});
    context.holds.use(*order, session_, message.unit().number);
  }
  settled_matches_ = message.hold_matches();  // what an upgraded stream brings later nobody saw
  request_.head_ready = request_.judged = true;
  release(context, request_, true);
  return true;
}

std::uint64_t HttpRelay::number_of(const Ticket& ticket) const {
  return ticket.cause == HoldCause::score ? request_.message.score() : ticket.order;
}

// The one that it has, or a new one.
void HttpRelay::give_ticket(Context& context, const Ticket& ticket, const enforce::Fingerprint& fingerprint) {
  Message& message = request_.message;
  Hold* hold = context.holds.ticket_of(fingerprint);
  if (hold == nullptr) {
    hold = context.holds.open(new_hold(context, ticket.cause, ticket.name, ticket.order, &fingerprint), context.now,
                              context.wall);
    if (hold == nullptr) return refuse(context, ErrorCode::holds_exhausted, "", false);
    if (const Message::Shown* shown = message.shown(); shown != nullptr)
      (void)context.holds.show(*hold, shown->head, shown->body, request_.held.content_end());
    context.errors.add(ErrorCode::unit_held);
  }
  const std::string cause = told_cause(ticket.cause, ticket.name, number_of(ticket));
  message.note_held({.hold = hold->id, .cause = cause, .ending = kTicketGiven});
  refuse(context, ErrorCode::hold_ticket, "", false, 0, hold->id);
}

}  // namespace sluice::session
