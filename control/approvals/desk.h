// The reviewers' desk: what the data plane tells goes into the store, what people decide comes out as messages for it.
// Each call is one transaction: it happened whole, or not at all, and what it left to be sent is only there when it is
// on disk. Orders that are there are said also while the store cannot be written: what ended by time is left out, and
// written when it can be. No clock, no thread, no socket: `now` is wall time, and who calls sends what take_outbox()
// gives.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "control/approvals/deciding.h"
#include "control/approvals/store.h"
#include "control/channel/holds.h"

namespace sluice::control {

struct VoteAnswer {
  HoldState state = HoldState::open;
  Outcome outcome;
  OrderId order = 0;          // that the decision made
  std::uint64_t covered = 0;  // other holds that it decided
};

struct HoldDetail {
  Hold hold;
  std::vector<Vote> votes;
  std::vector<AuditEntry> audit;
};

class Desk {
 public:
  // Asked at each decision, so that it goes by the policy of that moment.
  using Terms = std::function<Result<ApprovalTerms>()>;

  Desk(std::unique_ptr<ApprovalStore> store, Terms terms) : store_(std::move(store)), terms_(std::move(terms)) {}

  // --- the data plane
  Result<void> take(std::span<const HoldMessage> messages, WallNs now);
  // It said hello: everything that counts is said again.
  Result<void> connected(WallNs now);
  // Orders begin and end by time; what is old is forgotten.
  Result<void> tick(WallNs now);
  [[nodiscard]] WallNs next_deadline() const { return next_deadline_; }
  // By which the data plane knows tickets. It is told to the next one, so that what was approved passes there, too.
  void use_ticket_key(std::string key) { ticket_key_ = std::move(key); }
  // Used up, whatever the store says of them: on no list.
  void leave_out(const std::set<OrderId>& used) { used_ = used; }
  // Of the last list of orders that was made to be sent: all there are are on it.
  [[nodiscard]] std::uint64_t orders_number() const { return orders_number_; }
  // In order, and only once.
  std::vector<MessageBytes> take_outbox() { return std::exchange(outbox_, {}); }

  // --- people
  Result<VoteAnswer> vote(HoldId hold, const Reviewer& reviewer, const VoteRequest& request, WallNs now);
  Result<Hold> claim(HoldId hold, const Reviewer& reviewer, bool take_back, WallNs now);
  // Its maker's word is the first vote; the answer says whether it counts already.
  Result<Order> add_order(Order order, const Reviewer& reviewer, bool is_override, WallNs now);
  Result<Order> vote_order(OrderId order, const Reviewer& reviewer, const VoteRequest& request, WallNs now);
  Result<Order> lift_order(OrderId order, const Reviewer& reviewer, const std::string& reason, WallNs now);

  // What something other than a decision did, for the audit.
  Result<void> remark(std::string_view by, std::string_view what, OrderId order, std::string_view reason, WallNs now) {
    return note(by, what, 0, order, reason, now);
  }

  // --- looking
  // Who has how many open holds: at most `limit` of them, those who have most.
  Result<std::vector<HeldCount>> held(std::size_t limit);
  Result<bool> means_declared(const OrderTold& order);
  Result<std::vector<Hold>> holds(const HoldQuery& query) { return store_->holds(query); }
  Result<HoldDetail> hold(HoldId hold);
  Result<std::vector<Order>> orders(bool with_ended, std::uint64_t limit) { return store_->orders(with_ended, limit); }
  Result<std::vector<AuditEntry>> audit_after(std::uint64_t sequence, std::uint64_t limit) {
    return store_->audit_after(sequence, limit);
  }
  Result<std::uint64_t> audit_sequence() { return store_->audit_sequence(); }
  Result<std::uint64_t> webhook_cursor(std::string_view name) { return store_->webhook_cursor(name); }
  Result<void> set_webhook_cursor(std::string_view name, std::uint64_t sequence) {
    return store_->set_webhook_cursor(name, sequence);
  }

 private:
  Result<void> take_one(const HoldMessage& message, WallNs now);
  Result<void> on(const HoldOpened& opened, WallNs now);
  Result<void> on(const HoldEnded& ended, WallNs now);
  Result<void> on(const HoldsLive& live, WallNs now);
  Result<void> on(const OrderUsed& used, WallNs now);
  static Result<void> on(const OrdersObeyed&, WallNs) { return {}; }  // nothing to keep

  Result<Hold> found(HoldId hold);
  Result<Order> found_order(OrderId order);
  Result<void> decide(const Hold& hold, const Decision& decision);
  Result<OrderId> make_order(const Hold& hold, const Outcome& outcome, const Decision& decision,
                             const ApprovalTerms& terms, WallNs now);
  Result<OrderId> make_ticket_order(const Hold& hold, const Decision& decision, WallNs now);
  Result<OrderId> add_active(Order order, WallNs now);
  Result<void> expire_orders(WallNs now);
  // Works out which orders count now, says all of them if that changed, and lets those that begin decide what waits.
  // Where that fails the next tick does it.
  Result<std::uint64_t> settle_orders(WallNs now);
  // Only reads. Those that count.
  Result<std::vector<Order>> say_orders(WallNs now);
  // What ended by time, and what those that begin decide.
  Result<std::uint64_t> keep_settled(std::span<const Order> counting, WallNs now);
  Result<std::uint64_t> cover(std::span<const Order> counting, WallNs now);
  Result<void> note(std::string_view by, std::string_view what, HoldId hold, OrderId order, std::string_view reason,
                    WallNs now, bool is_override = false);

  std::unique_ptr<ApprovalStore> store_;
  Terms terms_;
  std::vector<MessageBytes> outbox_;
  std::set<OrderId> counting_;  // that the data plane was told last
  std::set<OrderId> used_;
  std::set<OrderId> fresh_;  // of those that count: what waits is not decided by them yet
  bool must_keep_ = false;   // what was said is not written
  std::uint64_t orders_number_ = 0;
  std::string ticket_key_;  // in memory alone
  WallNs next_deadline_ = 0;
  WallNs next_prune_ = 0;
  WallNs ticked_ = 0;          // last
  std::uint64_t open_ = 0;     // holds, at most, while messages are taken
  std::uint64_t refused_ = 0;  // holds beyond the bound, since the last word about them
};

}  // namespace sluice::control
