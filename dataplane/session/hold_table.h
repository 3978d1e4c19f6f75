// A worker's holds, and the orders that hold now. Bounded in number; what people are shown lies in slabs, of which
// there are none until something is held.
//
// The channel's thread speaks with it by rings: events one way, decisions the other. Of a hold that is told it gets the
// hold itself, lent: until it gives that back, neither its text changes nor does it go. An event that does not fit
// waits: of a hold that lives it is said later; that one is over, by telling all that live anew. Overload: beyond the
// bound nothing is held, and the policy's on_timeout decides at once (holds_exhausted). Of tickets, for which no
// connection waits, one source has few.
#pragma once

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/assert.h"
#include "common/mailbox.h"
#include "common/session_id.h"
#include "common/spsc_ring.h"
#include "dataplane/enforce/orders.h"
#include "dataplane/session/hold.h"

namespace sluice::session {

struct NewHold {
  SessionId session = 0;
  std::uint32_t unit = 0;
  std::string_view service;
  std::string_view principal;
  std::string_view network = {};
  IpAddress client_address;
  std::uint16_t client_port = 0;
  HoldCause cause = HoldCause::limit;
  std::string_view cause_name = {};
  std::uint64_t order = 0;
  std::uint32_t score = 0;
  std::uint64_t policy_version = 0;
  DurationNs timeout = 0;
  bool passes_on_timeout = false;
  const enforce::Fingerprint* ticket = nullptr;  // nobody waits for it
  Session* waiter = nullptr;
};

// Orders on their way to a worker.
using OrdersPtr = std::unique_ptr<const enforce::Orders>;

class HoldTable {
 public:
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::uint32_t kMostTickets = 100;  // of one source: nothing of theirs keeps a client from more
  static constexpr std::size_t kEvents = 1024;
  static constexpr std::size_t kDecisions = 1024;

  explicit HoldTable(unsigned worker = 0, WallNs start_wall_ns = 0, std::size_t most = kMost)
      : most_(most), ids_(worker, std::max(start_wall_ns, WallNs{kMicrosecond})) {}
  HoldTable(const HoldTable&) = delete;
  HoldTable& operator=(const HoldTable&) = delete;

  // --- the worker's thread
  // nullptr when there are too many.
  Hold* open(const NewHold& hold, TimeNs now, WallNs wall);
  // More of it is to be seen; false while it is lent, whose waiter is woken then.
  bool show(Hold& hold, std::string_view head, std::string_view body, std::uint64_t body_bytes);
  // It is over; `hold` is gone.
  void end(Hold& hold, HoldEnding ending, WallNs wall);

  // The first decision counts.
  void decide(Hold& hold, bool pass, bool by_order, std::string_view by, std::string_view reason, WallNs wall);

  // The order that counts for a unit; nothing is looked at where there are none.
  [[nodiscard]] const enforce::Order* order_for(const enforce::OrderedUnit& unit, TimeNs now) const {
    if (orders_ == nullptr) return nullptr;
    return orders_->find(unit, now, [this](std::uint64_t id) { return is_used(id); });
  }
  [[nodiscard]] bool has_orders() const { return orders_ != nullptr && !orders_->all().empty(); }
  // By which tickets are known. The first list of orders may bring that of the process before, so that what was
  // approved then passes; what was given until then is forgotten.
  [[nodiscard]] const enforce::TicketKey& ticket_key() const { return ticket_key_; }
  void use_key(const enforce::TicketKey& key) { ticket_key_ = key; }
  // Of tickets: what was decided on this very unit; and whether anything was on units of its caller, one of which it
  // may be.
  [[nodiscard]] const enforce::Order* decided_for(const enforce::OrderedUnit& unit, TimeNs now) const {
    if (orders_ == nullptr) return nullptr;
    return orders_->find_ticket(unit, now, [this](std::uint64_t id) { return is_used(id); });
  }
  [[nodiscard]] bool may_know(const enforce::OrderedUnit& unit, TimeNs now) const {
    return orders_ != nullptr && orders_->may_know(unit, now);
  }
  // The open ticket of a unit, or nullptr.
  [[nodiscard]] Hold* ticket_of(const enforce::Fingerprint& fingerprint) const {
    const auto found = by_fingerprint_.find(fingerprint);
    return found == by_fingerprint_.end() ? nullptr : found->second;
  }
  // It let a unit pass.
  void use(const enforce::Order& order, SessionId session, std::uint32_t unit);

  // Once a burst: what came from the channel's thread; `wake` is called for sessions that have something to do.
  template <class Wake>
  void take(TimeNs now, WallNs wall, const Wake& wake) {
    if (!has_work()) return;
    take_all(now, wall);
    for (Session* session : std::exchange(to_wake_, {})) wake(*session);
  }
  // Once a burst, behind the sessions: what is to be told.
  void tell(WallNs wall) {
    if (!untold_.empty() || begins_pass_ || ends_pass_ || !used_untold_.empty()) tell_all(wall);
  }
  // There is more to do as soon as it is called again.
  [[nodiscard]] bool pending() const { return !to_judge_.empty() || decisions_.size() != 0 || returned_.size() != 0; }
  // Of tickets, which no session waits for.
  [[nodiscard]] TimeNs next_deadline() const { return tickets_.empty() ? kNever : tickets_.begin()->first; }
  [[nodiscard]] std::size_t size() const { return by_id_.size(); }

  // --- the channel's thread
  // False when the ring is full.
  bool decide(const HoldDecision& decision) { return decisions_.push(decision); }
  bool take_event(HoldEvent& event) { return events_.pop(event); }
  void give_back(const Hold* hold) { (void)returned_.push(hold); }  // each is lent once, so that all fit
  // All that live are told again: between pass_begins with this number and all_told.
  void tell_again(std::uint32_t number) { asked_.store(number, std::memory_order_release); }
  // The worker takes the orders at its next burst and hands back those it had. False while the last ones wait.
  bool offer(OrdersPtr* orders) { return new_orders_.offer(orders); }
  // Once it gave a list: ticket_key() is the worker's from then on.
  OrdersPtr* taken() { return new_orders_.taken(); }
  [[nodiscard]] const HoldCounters& counters() const { return counters_; }

 private:
  using List = std::list<Hold>;
  static constexpr std::size_t kJudged = 256;  // by new orders, in one burst
  struct Used {
    std::uint64_t order;
    SessionId session;
    std::uint32_t unit;
  };

  [[nodiscard]] bool has_work() const {
    return decisions_.size() != 0 || returned_.size() != 0 || !to_judge_.empty() || !tickets_.empty() ||
           asked_.load(std::memory_order_relaxed) != answered_ || new_orders_.has_offer();
  }
  [[nodiscard]] bool is_used(std::uint64_t order) const { return used_.contains(order); }
  void take_all(TimeNs now, WallNs wall);
  void take_orders(WallNs wall);
  void settle_key(WallNs wall);
  void judge(TimeNs now, WallNs wall);
  void take_back(const Hold* hold);
  void forget_ticket(const Hold& hold);
  void expire_tickets(TimeNs now, WallNs wall);
  void tell_all(WallNs wall);
  void wake(Session* session) {
    if (session != nullptr) to_wake_.push_back(session);
  }

  std::size_t most_;
  SessionIds ids_;
  buffer::Slabs blocks_{HoldText::kBlockBytes};
  // Each is in one of these.
  List untold_, told_, leaving_;
  std::unordered_map<HoldId, List::iterator> by_id_;  // but those that are leaving
  std::set<std::pair<TimeNs, HoldId>> tickets_;       // by when they expire
  std::map<enforce::Fingerprint, Hold*> by_fingerprint_;
  std::map<std::uint64_t, std::uint32_t> tickets_of_;  // by IpAddress::source()
  std::vector<HoldId> to_judge_;
  std::vector<Session*> to_wake_;
  bool begins_pass_ = false;
  bool ends_pass_ = false;
  std::uint32_t answered_ = 0;
  OrdersPtr orders_;
  enforce::TicketKey ticket_key_{};
  bool key_is_settled_ = false;                   // by the first list
  std::unordered_map<std::uint64_t, Used> used_;  // orders of once that let their unit pass
  std::vector<Used> used_untold_;
  HoldCounters counters_;
  SpscRing<HoldEvent> events_{kEvents};
  SpscRing<const Hold*> returned_{2 * kMost};  // those that live, and those that end while they are lent
  SpscRing<HoldDecision> decisions_{kDecisions};
  std::atomic<std::uint32_t> asked_{0};
  Mailbox<OrdersPtr> new_orders_;
};

// A hold of a relay, which goes with it.
class HoldRef {
 public:
  HoldRef() = default;
  HoldRef(const HoldRef&) = delete;
  HoldRef& operator=(const HoldRef&) = delete;
  ~HoldRef() { end(HoldEnding::cut, 0); }

  void set(HoldTable& table, Hold* hold) {
    SLUICE_ASSERT(hold_ == nullptr);
    table_ = &table;
    hold_ = hold;
  }
  void end(HoldEnding ending, WallNs wall) {
    if (hold_ != nullptr) table_->end(*std::exchange(hold_, nullptr), ending, wall);
  }
  explicit operator bool() const { return hold_ != nullptr; }
  Hold* operator->() const { return hold_; }
  Hold& operator*() const { return *hold_; }

 private:
  HoldTable* table_ = nullptr;
  Hold* hold_ = nullptr;
};

}  // namespace sluice::session
