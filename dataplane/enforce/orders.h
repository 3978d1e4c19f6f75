// Orders: what a reviewer or an operator said about units to come. The whole list is one immutable value, made outside
// the data path and swapped as policies are. Looking one up costs a binary search for each field that an order may be
// kept by, whatever their number; without orders there is no list at all.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/hold.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"

namespace sluice::enforce {

using Fingerprint = std::array<std::uint8_t, 32>;
using TicketKey = std::array<std::uint8_t, 32>;  // by which fingerprints are made

// A field that is empty or 0 stands for any.
struct Order {
  std::uint64_t id = 0;
  OrderVerdict verdict = OrderVerdict::hold;
  std::string service = {};
  std::string principal = {};
  SessionId session = 0;
  IpAddress source = {};
  unsigned source_bits = 0;  // of 128 (IpAddress::prefix)
  std::optional<Fingerprint> fingerprint = {};
  bool once = false;
  TimeNs until = kNever;
  std::string by = {};
  std::string reason = {};
};

// What orders tell units apart by.
struct OrderedUnit {
  std::string_view service = {};
  std::string_view principal = {};  // also one that the caller gave itself
  std::string_view network = {};    // the principal that the policy knows by the network it calls from
  SessionId session = 0;
  IpAddress address = {};
  const Fingerprint* fingerprint = nullptr;  // when it is known
};

class Orders {
 public:
  explicit Orders(std::vector<Order> orders, const std::optional<TicketKey>& ticket_key = {});

  // The one that counts: deny before hold before pass; of one kind that which was given first. `used`: whether one that
  // counts once does not any more.
  template <class Used>
  [[nodiscard]] const Order* find(const OrderedUnit& unit, TimeNs now, const Used& used) const {
    const Order* best = nullptr;
    const auto look = [&](std::uint32_t index) {
      const Order& order = orders_[index];
      if (best != nullptr && (order.verdict < best->verdict || (order.verdict == best->verdict && &order > best)))
        return;
      if (now < order.until && agrees(order, unit) && !(order.once && used(order.id))) best = &order;
    };
    each_kept(unit, look);
    return best;
  }
  // Of those that are about one unit by its fingerprint: deny before pass.
  template <class Used>
  [[nodiscard]] const Order* find_ticket(const OrderedUnit& unit, TimeNs now, const Used& used) const {
    const Order* best = nullptr;
    if (!has_fingerprints_) return best;
    each_kept(unit, [&](std::uint32_t index) {
      const Order& order = orders_[index];
      if (!order.fingerprint || now >= order.until || !agrees(order, unit) || (order.once && used(order.id))) return;
      if (best == nullptr || order.verdict > best->verdict) best = &order;
    });
    return best;
  }
  // There is one of those about units of which this may be one, for all that is known without its fingerprint.
  [[nodiscard]] bool may_know(const OrderedUnit& unit, TimeNs now) const {
    bool found = false;
    if (has_fingerprints_)
      each_kept(unit, [&](std::uint32_t index) {
        const Order& order = orders_[index];
        found |= order.fingerprint && now < order.until && agrees_otherwise(order, unit);
      });
    return found;
  }
  [[nodiscard]] const std::vector<Order>& all() const { return orders_; }
  // That the data plane before had.
  [[nodiscard]] const std::optional<TicketKey>& ticket_key() const { return ticket_key_; }

 private:
  // The field by which an order is found, the first of these that it names.
  enum class Kept : std::uint8_t { session, principal, service, elsewhere };

  using Key = std::pair<std::uint64_t, std::uint32_t>;  // where an order is kept, and its place in the list

  static bool is_of(const Order& order, const OrderedUnit& unit);
  static bool agrees(const Order& order, const OrderedUnit& unit);
  static bool agrees_otherwise(const Order& order, const OrderedUnit& unit);  // whatever its fingerprint
  static std::uint64_t key_of(Kept kept, std::string_view text);
  static std::uint64_t key_of(Kept kept, SessionId session);
  template <class Fn>
  void each_kept(const OrderedUnit& unit, const Fn& look) const {
    each_of(key_of(Kept::session, unit.session), look);
    each_of(key_of(Kept::principal, unit.principal), look);
    if (unit.network != unit.principal) each_of(key_of(Kept::principal, unit.network), look);
    each_of(key_of(Kept::service, unit.service), look);
    each_of(key_of(Kept::elsewhere, {}), look);
  }
  template <class Fn>
  void each_of(std::uint64_t key, const Fn& fn) const;

  std::vector<Order> orders_;
  std::vector<Key> keys_;  // sorted
  bool has_fingerprints_ = false;
  std::optional<TicketKey> ticket_key_;
};

template <class Fn>
void Orders::each_of(std::uint64_t key, const Fn& fn) const {
  for (const Key& found : std::ranges::equal_range(keys_, key, {}, &Key::first)) fn(found.second);
}

}  // namespace sluice::enforce
