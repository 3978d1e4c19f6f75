// See orders.h.
#include "dataplane/enforce/orders.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/siphash.h"

namespace sluice::enforce {

// A collision costs a comparison more.
std::uint64_t Orders::key_of(Kept kept, std::string_view text) {
  return siphash({static_cast<std::uint64_t>(kept), 0}, as_bytes(text));
}

std::uint64_t Orders::key_of(Kept kept, SessionId session) {
  return siphash({static_cast<std::uint64_t>(kept), 1},
                 {reinterpret_cast<const std::uint8_t*>(&session), sizeof session});
}

Orders::Orders(std::vector<Order> orders, const std::optional<TicketKey>& ticket_key)
    : orders_(std::move(orders)), ticket_key_(ticket_key) {
  for (std::uint32_t i = 0; i < orders_.size(); ++i) {
    const Order& order = orders_[i];
    has_fingerprints_ |= order.fingerprint.has_value();
    std::uint64_t key = key_of(Kept::elsewhere, std::string_view());
    if (order.session != 0)
      key = key_of(Kept::session, order.session);
    else if (!order.principal.empty())
      key = key_of(Kept::principal, order.principal);
    else if (!order.service.empty())
      key = key_of(Kept::service, order.service);
    keys_.emplace_back(key, i);
  }
  std::ranges::sort(keys_);
}

// Who pauses or bans a principal means all that comes from its network, whatever name stands in a request. A grant is
// for who can prove nothing but an address: of a name that a caller gave itself it must say from where.
bool Orders::is_of(const Order& order, const OrderedUnit& unit) {
  if (order.principal.empty() || order.principal == unit.network) return true;
  const bool is_bound = order.source_bits != 0 || order.session != 0 || order.fingerprint;
  return order.principal == unit.principal && (order.verdict != OrderVerdict::pass || is_bound);
}

bool Orders::agrees(const Order& order, const OrderedUnit& unit) {
  return agrees_otherwise(order, unit) &&
         (!order.fingerprint || (unit.fingerprint != nullptr && *order.fingerprint == *unit.fingerprint));
}

bool Orders::agrees_otherwise(const Order& order, const OrderedUnit& unit) {
  return (order.session == 0 || order.session == unit.session) &&
         (order.service.empty() || order.service == unit.service) && is_of(order, unit) &&
         (order.source_bits == 0 || unit.address.prefix(order.source_bits) == order.source);
}

}  // namespace sluice::enforce
