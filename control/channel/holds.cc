// See holds.h.
#include "control/channel/holds.h"

#include "common/bytes.h"
#include "control/channel/envelope.h"

namespace sluice::control {
namespace {

namespace fbs = sluice::schema::channel;

constexpr std::size_t kMostShownBytes = 16 * 1024;  // of a head or a body
constexpr std::size_t kFingerprintBytes = 32;

// Cut where a longer one would only cost memory: names come from a policy and are short.
std::string name(const flatbuffers::String* string) {
  return text(string).substr(0, kMaxOrderTextBytes);
}

std::string bytes(const flatbuffers::Vector<std::uint8_t>* vector, std::size_t most) {
  if (vector == nullptr) return {};
  const auto* data = reinterpret_cast<const char*>(vector->data());
  return {data, std::min<std::size_t>(vector->size(), most)};
}

HoldOpened decode(const fbs::HoldOpened& opened) {
  HoldOpened out;
  out.hold = opened.hold();
  out.session = opened.session();
  out.unit = opened.unit();
  out.wall_ns = opened.wall_ns();
  out.remaining_ns = opened.remaining_ns();
  out.passes_on_timeout = opened.passes_on_timeout();
  out.ticket = opened.ticket();
  out.service = name(opened.service());
  out.principal = name(opened.principal());
  out.principal_verified = opened.principal_verified();
  out.client = format_endpoint(address(opened.client_address(), opened.client_ipv6()), opened.client_port());
  out.cause = static_cast<HoldCause>(opened.cause());
  out.cause_name = name(opened.cause_name());
  out.order = opened.order();
  out.score = opened.score();
  out.policy_version = opened.policy_version();
  out.head = bytes(opened.head(), kMostShownBytes);
  out.body = bytes(opened.body(), kMostShownBytes);
  out.body_bytes = opened.body_bytes();
  out.fingerprint = bytes(opened.fingerprint(), kFingerprintBytes);
  return out;
}

flatbuffers::Offset<flatbuffers::String> string_or_none(flatbuffers::FlatBufferBuilder& builder,
                                                        std::string_view value) {
  if (value.empty()) return {};
  return builder.CreateString(value.substr(0, kMaxOrderTextBytes));
}

flatbuffers::Offset<fbs::Order> encode(flatbuffers::FlatBufferBuilder& builder, const OrderTold& order) {
  const auto service = string_or_none(builder, order.service);
  const auto principal = string_or_none(builder, order.principal);
  const auto by = string_or_none(builder, order.by);
  const auto reason = string_or_none(builder, order.reason);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> fingerprint;
  if (!order.fingerprint.empty())
    fingerprint = builder.CreateVector(as_bytes(order.fingerprint).data(), order.fingerprint.size());
  const fbs::Ipv6 source(order.source.high, order.source.low);
  return fbs::CreateOrder(builder, order.order, static_cast<fbs::OrderVerdict>(order.verdict), service, principal,
                          order.session, order.source_bits != 0 ? &source : nullptr, order.source_bits, fingerprint,
                          order.once, order.remaining_ns, by, reason);
}

}  // namespace

Result<std::optional<HoldMessage>> decode_hold_message(const fbs::Envelope& envelope) {
  std::optional<HoldMessage> out;
  const auto wrong = [](const char* what) { return fail(ErrorCode::channel_bad_message, what); };
  if (const auto* opened = envelope.message_as_HoldOpened()) {
    if (opened->hold() == 0 || opened->cause() > fbs::HoldCause::MAX) return wrong("a hold that cannot be");
    out.emplace(decode(*opened));
  } else if (const auto* ended = envelope.message_as_HoldEnded()) {
    if (ended->ending() > fbs::HoldEnding::MAX) return wrong("the end of a hold that cannot be");
    out.emplace(HoldEnded{ended->hold(), static_cast<HoldEnding>(ended->ending()), ended->wall_ns()});
  } else if (const auto* live = envelope.message_as_HoldsLive()) {
    HoldsLive holds;
    if (live->holds() != nullptr) holds.holds.assign(live->holds()->begin(), live->holds()->end());
    out.emplace(std::move(holds));
  } else if (const auto* used = envelope.message_as_OrderUsed()) {
    out.emplace(OrderUsed{used->order(), used->session(), used->unit()});
  } else if (const auto* obeyed = envelope.message_as_OrdersObeyed()) {
    out.emplace(OrdersObeyed{obeyed->number(), bytes(obeyed->ticket_key(), kFingerprintBytes)});
  }
  return out;
}

MessageBytes encode_decision(HoldId hold, bool pass, std::string_view by, std::string_view reason) {
  flatbuffers::FlatBufferBuilder builder;
  const auto who = string_or_none(builder, by);
  const auto why = string_or_none(builder, reason);
  return finish(builder, fbs::CreateHoldDecision(builder, hold, pass, who, why));
}

MessageBytes encode_orders(std::span<const OrderTold> orders, std::uint64_t number, std::string_view ticket_key) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<fbs::Order>> list;
  for (const OrderTold& order : orders.first(std::min(orders.size(), kMaxOrders)))
    list.push_back(encode(builder, order));
  const auto told = builder.CreateVector(list);
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> key;
  if (!ticket_key.empty()) key = builder.CreateVector(as_bytes(ticket_key).data(), ticket_key.size());
  return finish(builder, fbs::CreateOrders(builder, told, number, key));
}

}  // namespace sluice::control
