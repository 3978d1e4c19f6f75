// Orders: made by decisions and by hand, begun and ended by people and by time. See desk.h.
#include <algorithm>

#include "common/log.h"
#include "control/approvals/desk.h"
#include "control/channel/flows.h"

namespace sluice::control {
namespace {

constexpr DurationNs kApprovedTicketFor = 24ULL * 3600 * kSecond;
constexpr DurationNs kRejectedTicketFor = 3600ULL * kSecond;  // who asks again meanwhile is told no
constexpr DurationNs kPruneEvery = 60 * kSecond;

// Up to its end and the end of its window; 0 for one without either.
DurationNs remaining(const Order& order, const WindowState& window, WallNs now) {
  const WallNs end = std::min(order.until != 0 ? order.until : ~WallNs{0}, window.next_edge);
  return end == ~WallNs{0} ? 0 : std::max<DurationNs>(end - now, 1);
}

// What a decision on a hold says of its caller at its service.
Order order_of(const Hold& hold, const Decision& decision, WallNs until) {
  Order order;
  order.told.verdict = decision.pass ? OrderVerdict::pass : OrderVerdict::deny;
  order.told.service = hold.opened.service;
  order.told.principal = hold.opened.principal;
  order.told.by = decision.by;
  order.told.reason = decision.reason;
  order.until = until;
  order.from_hold = hold.opened.hold;
  order.is_override = decision.is_override;
  return order;
}

}  // namespace

Result<Order> Desk::found_order(OrderId id) {
  auto known = store_->order(id);
  if (!known) return std::unexpected(known.error());
  if (!*known) return fail(ErrorCode::not_found, "no order has the number " + std::to_string(id));
  return std::move(**known);
}

Result<OrderId> Desk::add_active(Order order, WallNs now) {
  const auto there = store_->orders(false, kMaxOrders + 1);
  if (!there) return std::unexpected(there.error());
  if (there->size() >= kMaxOrders)
    return fail(ErrorCode::conflict,
                "there are " + std::to_string(kMaxOrders) + " orders, and no more fit; take some back");
  order.created = now;
  return store_->add(order);
}

// A ticket's client asks again: the same unit passes once, or is refused for a while.
Result<OrderId> Desk::make_ticket_order(const Hold& hold, const Decision& decision, WallNs now) {
  if (hold.opened.fingerprint.empty()) return 0;
  Order order = order_of(hold, decision, now + (decision.pass ? kApprovedTicketFor : kRejectedTicketFor));
  order.told.fingerprint = hold.opened.fingerprint;
  order.told.once = decision.pass;
  return add_active(std::move(order), now);
}

Result<OrderId> Desk::make_order(const Hold& hold, const Outcome& outcome, const Decision& decision,
                                 const ApprovalTerms& terms, WallNs now) {
  auto ticket = make_ticket_order(hold, decision, now);
  if (!ticket || outcome.scope == Scope::unit) return ticket;
  Order order = order_of(hold, decision, now + outcome.window_ns);
  if (outcome.scope == Scope::everywhere) order.told.service.clear();
  if (outcome.scope == Scope::session) {
    order.told.session = hold.opened.session;
  } else if (decision.pass && order.told.principal != declared_principal(terms, hold)) {
    // A name that anybody could give: it passes from where this one came.
    const auto client = parse_endpoint(hold.opened.client, "client");
    if (!client) return std::unexpected(client.error());
    order.told.source = client->address;
    order.told.source_bits = client->bits;
  }
  return add_active(std::move(order), now);
}

Result<Order> Desk::add_order(Order order, const Reviewer& reviewer, bool is_override, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  order.told.by = reviewer.name;
  order.is_override = is_override;
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  const auto outcome = judge_order(order, reviewer, is_override, *terms, now);
  if (!outcome) return std::unexpected(outcome.error());
  order.state = outcome->decides ? OrderState::active : OrderState::proposed;
  const auto id = add_active(order, now);
  if (!id) return std::unexpected(id.error());
  const Vote vote{.uid = reviewer.uid,
                  .by = reviewer.name,
                  .reason = order.told.reason,
                  .at = now,
                  .approve = true,
                  .is_override = is_override};
  if (auto voted = store_->add_order_vote(*id, vote); !voted) return std::unexpected(voted.error());
  const std::string what =
      (outcome->decides ? "ordered " : "proposed ") + std::string(order_verdict_name(order.told.verdict));
  if (auto noted = note(reviewer.name, what, 0, *id, order.told.reason, now, is_override); !noted)
    return std::unexpected(noted.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  if (is_override)
    log::warn("OVERRIDE: " + reviewer.name + " granted order " + std::to_string(*id) + ": " + order.told.reason);
  if (auto settled = settle_orders(now); !settled) return std::unexpected(settled.error());
  return found_order(*id);
}

Result<Order> Desk::vote_order(OrderId id, const Reviewer& reviewer, const VoteRequest& request, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  const auto order = found_order(id);
  if (!order) return order;
  const auto votes = store_->order_votes(id);
  if (!votes) return std::unexpected(votes.error());
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  const auto outcome = judge_order_vote(*order, *votes, reviewer, request, *terms);
  if (!outcome) return std::unexpected(outcome.error());
  const Vote vote{
      .uid = reviewer.uid, .by = reviewer.name, .reason = request.reason, .at = now, .approve = request.approve};
  if (auto voted = store_->add_order_vote(id, vote); !voted) return std::unexpected(voted.error());
  Result<void> done;
  if (outcome->decides)
    done = outcome->pass ? store_->activate_order(id) : store_->end_order(id, OrderState::rejected, now, reviewer.name);
  if (!done) return std::unexpected(done.error());
  const char* what = !outcome->decides ? "voted" : outcome->pass ? "approved" : "rejected";
  if (auto noted = note(reviewer.name, what, 0, id, request.reason, now); !noted) return std::unexpected(noted.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  if (auto settled = settle_orders(now); !settled) return std::unexpected(settled.error());
  return found_order(id);
}

Result<Order> Desk::lift_order(OrderId id, const Reviewer& reviewer, const std::string& reason, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  const auto order = found_order(id);
  if (!order) return order;
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  if (auto may = judge_lift(*order, reviewer, *terms); !may) return std::unexpected(may.error());
  if (auto done = store_->end_order(id, OrderState::revoked, now, reviewer.name); !done)
    return std::unexpected(done.error());
  std::string line = reason.substr(0, kMaxReasonBytes);
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  if (auto noted = note(reviewer.name, "revoked", 0, id, line, now); !noted) return std::unexpected(noted.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  if (auto settled = settle_orders(now); !settled) return std::unexpected(settled.error());
  return found_order(id);
}

Result<void> Desk::expire_orders(WallNs now) {
  const auto live = store_->orders(false, kMaxOrders + 1);
  if (!live) return std::unexpected(live.error());
  for (const Order& order : *live) {
    if (order.until == 0 || order.until > now) continue;
    if (auto done = store_->end_order(order.told.order, OrderState::expired, now, {}); !done) return done;
    if (auto noted = note({}, "expired", 0, order.told.order, {}, now); !noted) return noted;
  }
  return {};
}

Result<std::uint64_t> Desk::cover(std::span<const Order> counting, WallNs now) {
  const auto waiting = store_->holds({.state = HoldState::open, .limit = kMaxOpenHolds});
  if (!waiting) return std::unexpected(waiting.error());
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  std::uint64_t covered = 0;
  for (const Hold& hold : *waiting) {
    const Order* order = deciding_order(counting, hold, declared_principal(*terms, hold));
    if (order == nullptr || !fresh_.contains(order->told.order)) continue;
    const Decision decision{order->told.verdict == OrderVerdict::pass,
                            order->is_override,
                            order->told.by,
                            order->told.reason,
                            now,
                            order->told.order};
    if (auto done = decide(hold, decision); !done) return std::unexpected(done.error());
    ++covered;
  }
  return covered;
}

Result<std::vector<Order>> Desk::say_orders(WallNs now) {
  const WallNs due = std::exchange(next_deadline_, 0);
  const auto live = store_->orders(false, kMaxOrders);
  if (!live) return std::unexpected(live.error());
  std::vector<Order> counting;
  std::set<OrderId> ids, fresh;
  WallNs next = ~WallNs{0};
  for (const Order& order : *live) {
    const OrderId id = order.told.order;
    if (order.until != 0 && order.until <= now) {
      must_keep_ = true;
      continue;
    }
    if (order.until != 0) next = std::min(next, order.until);
    if (order.state != OrderState::active || used_.contains(id)) continue;
    const WindowState window = window_at(order.window, now);
    next = std::min(next, window.next_edge);
    if (!window.is_open) continue;
    counting.push_back(order);
    counting.back().told.remaining_ns = remaining(order, window, now);
    ids.insert(id);
    if (!counting_.contains(id) || fresh_.contains(id)) fresh.insert(id);
  }
  // Also when the same ones go on: at an edge of a window that opens again at once, their time is another.
  if (ids != counting_ || now >= due) {
    std::vector<OrderTold> told;
    for (const Order& order : counting) told.push_back(order.told);
    outbox_.push_back(encode_orders(told, ++orders_number_, ticket_key_));
  }
  counting_ = std::move(ids);
  fresh_ = std::move(fresh);
  must_keep_ |= !fresh_.empty();
  next_deadline_ = next;
  return counting;
}

Result<std::uint64_t> Desk::keep_settled(std::span<const Order> counting, WallNs now) {
  if (!must_keep_) return 0;
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  if (auto expired = expire_orders(now); !expired) return std::unexpected(expired.error());
  std::uint64_t covered = 0;
  if (!fresh_.empty()) {
    const auto decided = cover(counting, now);
    if (!decided) return decided;
    covered = *decided;
  }
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  fresh_.clear();
  must_keep_ = false;
  return covered;
}

Result<std::uint64_t> Desk::settle_orders(WallNs now) {
  const auto counting = say_orders(now);
  if (!counting) return std::unexpected(counting.error());
  return keep_settled(*counting, now);
}

Result<void> Desk::tick(WallNs now) {
  // Somebody set the clock back: what was worked out for later may be due before.
  if (now + kSecond < std::exchange(ticked_, now)) next_deadline_ = next_prune_ = 0;
  if (now >= next_deadline_ || must_keep_)
    if (auto settled = settle_orders(now); !settled) return std::unexpected(settled.error());
  if (now < next_prune_) return {};
  next_prune_ = now + kPruneEvery;
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  if (auto pruned = store_->prune(); !pruned) return pruned;
  return transaction->commit();
}

}  // namespace sluice::control
