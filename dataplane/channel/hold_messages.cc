// Holds and orders as they stand on the channel.
#include <algorithm>

#include "dataplane/channel/envelope.h"
#include "dataplane/channel/messages.h"

namespace sluice::channel {
namespace {

namespace fbs = sluice::schema::channel;
using flatbuffers::FlatBufferBuilder;

constexpr std::size_t kMostOrders = 16 * 1024;

std::string_view view_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : text->string_view();
}

enforce::Order decode_one(const fbs::Order& from, TimeNs now) {
  enforce::Order order{.id = from.order(),
                       .verdict = static_cast<OrderVerdict>(from.verdict()),
                       .service = std::string(view_of(from.service())),
                       .principal = std::string(view_of(from.principal())),
                       .session = from.session(),
                       .by = std::string(view_of(from.by())),
                       .reason = std::string(view_of(from.reason()))};
  order.once = from.once();
  if (from.source() != nullptr) {
    order.source_bits = std::min<unsigned>(from.source_bits(), kAddressBits);
    order.source = IpAddress(from.source()->high(), from.source()->low()).prefix(order.source_bits);
  }
  if (from.fingerprint() != nullptr && from.fingerprint()->size() != 0) {
    enforce::Fingerprint fingerprint{};  // one of another size agrees with nothing
    if (from.fingerprint()->size() == fingerprint.size()) std::ranges::copy(*from.fingerprint(), fingerprint.begin());
    order.fingerprint = fingerprint;
  }
  if (from.remaining_ns() != 0) order.until = now + std::min(from.remaining_ns(), kNever - now);
  return order;
}

}  // namespace

Bytes encode_hold_opened(FlatBufferBuilder& builder, const session::Hold& hold, TimeNs now) {
  builder.Clear();
  std::vector<std::uint8_t> shown;
  hold.text.copy(shown);
  const auto service = text(builder, hold.service);
  const auto principal = text(builder, hold.principal);
  const auto cause = text(builder, hold.cause_name);
  const auto head = builder.CreateVector(shown.data(), hold.text.head_bytes());
  const auto body = builder.CreateVector(shown.data() + hold.text.head_bytes(), hold.text.body_bytes());
  const auto fingerprint =
      hold.fingerprint ? builder.CreateVector(hold.fingerprint->data(), hold.fingerprint->size()) : 0;
  const bool ipv4 = hold.client_address.is_ipv4();
  const fbs::Ipv6 ipv6(hold.client_address.high, hold.client_address.low);
  return finish(builder, fbs::CreateHoldOpened(
                             builder, hold.id, hold.session, hold.unit, hold.began_wall,
                             hold.deadline - std::min(hold.deadline, now), hold.passes_on_timeout, hold.ticket, service,
                             principal, hold.principal_verified, ipv4 ? hold.client_address.ipv4() : 0,
                             hold.client_port, ipv4 ? nullptr : &ipv6, static_cast<fbs::HoldCause>(hold.cause), cause,
                             hold.order, hold.score, hold.policy_version, head, body, hold.body_bytes, fingerprint));
}

Bytes encode_hold_ended(FlatBufferBuilder& builder, const session::HoldEvent& event) {
  builder.Clear();
  return finish(builder,
                fbs::CreateHoldEnded(builder, event.id, static_cast<fbs::HoldEnding>(event.ending), event.wall));
}

Bytes encode_holds_live(FlatBufferBuilder& builder, const std::set<HoldId>& holds) {
  builder.Clear();
  const auto list = builder.CreateVector(std::vector<std::uint64_t>(holds.begin(), holds.end()));
  return finish(builder, fbs::CreateHoldsLive(builder, list));
}

Bytes encode_order_used(FlatBufferBuilder& builder, const session::HoldEvent& event) {
  builder.Clear();
  return finish(builder, fbs::CreateOrderUsed(builder, event.order, event.session, event.unit));
}

Bytes encode_orders_obeyed(FlatBufferBuilder& builder, std::uint64_t number, const enforce::TicketKey& ticket_key) {
  builder.Clear();
  const auto key = builder.CreateVector(ticket_key.data(), ticket_key.size());
  return finish(builder, fbs::CreateOrdersObeyed(builder, number, key));
}

std::optional<enforce::TicketKey> decode_ticket_key(const fbs::Orders& orders) {
  enforce::TicketKey key{};
  if (orders.ticket_key() == nullptr || orders.ticket_key()->size() != key.size()) return std::nullopt;
  std::ranges::copy(*orders.ticket_key(), key.begin());
  return key;
}

session::HoldDecision decode(const fbs::HoldDecision& from) {
  session::HoldDecision decision{.id = from.hold(), .pass = from.pass()};
  copy_name(decision.by, view_of(from.by()));
  copy_name(decision.reason, view_of(from.reason()));
  return decision;
}

// What has a verdict that nobody knows is taken for the strictest.
std::vector<enforce::Order> decode(const fbs::Orders& from, TimeNs now) {
  std::vector<enforce::Order> orders;
  if (from.orders() == nullptr) return orders;
  for (const fbs::Order* order : *from.orders()) {
    if (orders.size() == kMostOrders) break;
    orders.push_back(decode_one(*order, now));
    if (order->verdict() > fbs::OrderVerdict::MAX) orders.back().verdict = OrderVerdict::deny;
  }
  return orders;
}

}  // namespace sluice::channel
