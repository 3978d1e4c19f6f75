// Units that wait for a decision, as the two processes speak of them (schema/channel.fbs): what the data plane tells as
// plain values, and what control answers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"
#include "common/hold.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"
#include "control/channel/questions.h"

namespace sluice::schema::channel {
struct Envelope;
}

namespace sluice::control {

struct HoldOpened {
  HoldId hold = 0;
  SessionId session = 0;
  std::uint32_t unit = 0;
  WallNs wall_ns = 0;
  DurationNs remaining_ns = 0;
  bool passes_on_timeout = false;
  bool ticket = false;
  std::string service, principal;
  bool principal_verified = false;
  std::string client;  // ADDRESS:PORT
  HoldCause cause = HoldCause::limit;
  std::string cause_name;
  OrderId order = 0;
  std::uint32_t score = 0;
  std::uint64_t policy_version = 0;
  std::string head, body;  // masked; the first 16 KiB
  std::uint64_t body_bytes = 0;
  std::string fingerprint;
};

struct HoldEnded {
  HoldId hold = 0;
  HoldEnding ending = HoldEnding::cut;
  WallNs wall_ns = 0;
};

struct HoldsLive {
  std::vector<HoldId> holds;
};

struct OrderUsed {
  OrderId order = 0;
  SessionId session = 0;
  std::uint32_t unit = 0;
};

// The data plane does by all of encode_orders() with this number.
struct OrdersObeyed {
  std::uint64_t number = 0;
  std::string ticket_key = {};  // never on disk
};

using HoldMessage = std::variant<HoldOpened, HoldEnded, HoldsLive, OrderUsed, OrdersObeyed>;

// An order as the data plane is told it: what it is about must agree in every field that stands.
struct OrderTold {
  OrderId order = 0;
  OrderVerdict verdict = OrderVerdict::hold;
  std::string service, principal;
  SessionId session = 0;
  IpAddress source;              // host bits zero
  std::uint8_t source_bits = 0;  // of 128
  std::string fingerprint;
  bool once = false;
  DurationNs remaining_ns = 0;  // 0: until it is taken back
  std::string by, reason;
};

inline constexpr std::size_t kMaxOrders = 1000;         // told at once
inline constexpr std::size_t kMaxOrderTextBytes = 255;  // of each of an order's texts: so the whole list is one message

// Of a verified envelope; nothing when it is about something else. channel_bad_message when it cannot be.
Result<std::optional<HoldMessage>> decode_hold_message(const schema::channel::Envelope& envelope);

MessageBytes encode_decision(HoldId hold, bool pass, std::string_view by, std::string_view reason);
MessageBytes encode_orders(std::span<const OrderTold> orders, std::uint64_t number = 0,
                           std::string_view ticket_key = {});

}  // namespace sluice::control
