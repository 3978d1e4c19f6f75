// What control remembers of holds, votes, orders and who did what: one SQLite file. A transaction is on disk when it is
// committed. One owner, who locks around it; rules of deciding are not here (deciding.h).
//
// Bounds: kMaxOpenHolds at once; of those that are over the newest kMaxEndedHolds, what was in the newest
// kMaxShownHolds of them, and the newest kMaxAuditEntries of the audit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "control/approvals/hold.h"
#include "control/store/sqlite.h"

namespace sluice::control {

inline constexpr std::uint64_t kMaxOpenHolds = 10'000;
inline constexpr std::uint64_t kMaxEndedHolds = 100'000;
inline constexpr std::uint64_t kMaxShownHolds = 10'000;
inline constexpr std::uint64_t kMaxAuditEntries = 1'000'000;
inline constexpr std::uint64_t kMaxKeptOrders = 10'000;

struct HoldQuery {
  std::optional<HoldState> state = {};
  bool live = false;  // open, or decided and not over
  std::string service = {}, principal = {};
  SessionId session = 0;
  std::uint64_t limit = 100;
  HoldId after = 0;  // the last one of the page before
};

class ApprovalStore {
 public:
  static Result<std::unique_ptr<ApprovalStore>> open(const std::string& path);
  Result<Transaction> begin() { return Transaction::begin(database_); }

  // --- holds
  Result<void> add(const HoldOpened& opened, WallNs deadline);
  Result<void> set_state(HoldId hold, HoldState state, WallNs ended);  // `ended` 0: it is not over
  // Told again: what is left of its time, and what is there of it now.
  Result<void> set_told(const HoldOpened& opened, WallNs deadline);
  Result<void> set_decision(HoldId hold, const Decision& decision);  // and approved or rejected
  // An empty name takes it back.
  Result<void> set_claim(HoldId hold, const Reviewer& by, WallNs until);
  Result<std::optional<Hold>> hold(HoldId hold);  // whole
  // Without what was in them; the oldest first while they are live, else the newest.
  Result<std::vector<Hold>> holds(const HoldQuery& query);
  Result<std::uint64_t> count(HoldState state);
  // Open ones by service, principal and client.
  struct OpenCount {
    std::string service, principal, client;
    std::uint64_t open = 0;
  };
  Result<std::vector<OpenCount>> open_counts();

  // --- votes
  Result<void> add_hold_vote(HoldId hold, const Vote& vote);
  Result<void> add_order_vote(OrderId order, const Vote& vote);
  Result<std::vector<Vote>> hold_votes(HoldId hold);
  Result<std::vector<Vote>> order_votes(OrderId order);

  // --- orders
  Result<OrderId> add(const Order& order);
  Result<void> end_order(OrderId order, OrderState state, WallNs ended, std::string_view by);
  Result<void> activate_order(OrderId order);
  Result<std::optional<Order>> order(OrderId order);
  // Those proposed or active, or all; the newest first.
  Result<std::vector<Order>> orders(bool with_ended, std::uint64_t limit);

  // --- audit
  Result<void> note(const AuditEntry& entry);
  Result<std::vector<AuditEntry>> audit_after(std::uint64_t sequence, std::uint64_t limit);
  Result<std::vector<AuditEntry>> audit_of(HoldId hold);
  Result<std::uint64_t> audit_sequence();  // of the newest

  // --- how far a webhook was told the audit; a new one begins with what comes
  Result<std::uint64_t> webhook_cursor(std::string_view name);
  Result<void> set_webhook_cursor(std::string_view name, std::uint64_t sequence);

  // Forgets what is beyond the bounds.
  Result<void> prune();

 private:
  explicit ApprovalStore(Database database) : database_(std::move(database)) {}
  Result<std::vector<Vote>> votes(const char* column, std::uint64_t id);
  Result<void> add_vote(HoldId hold, OrderId order, const Vote& vote);

  Database database_;
};

}  // namespace sluice::control
