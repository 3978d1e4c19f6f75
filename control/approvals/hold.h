// Holds, votes and orders as control keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "control/approvals/window.h"
#include "control/channel/holds.h"

namespace sluice::control {

// Numbers are what the store keeps: append only. `approved` and `rejected` are decided, and the data plane has not told
// yet how the hold ended; what follows is over.
enum class HoldState : std::uint8_t {
  open = 0,
  approved = 1,
  rejected = 2,
  passed = 3,
  denied = 4,
  expired = 5,
  abandoned = 6,
  server_gone = 7,
  cut = 8,
  lost = 9  // it ended while control was away: how, is on the record of its session
};
std::string_view hold_state_name(HoldState state);
std::optional<HoldState> parse_hold_state(std::string_view name);
std::string_view hold_cause_name(HoldCause cause);
std::string_view order_verdict_name(OrderVerdict verdict);

// What a decision is about, from the narrowest.
enum class Scope : std::uint8_t { unit = 0, session = 1, principal = 2, everywhere = 3 };
// unit, session, principal (at this service), everywhere (the principal, at all services)
std::string_view scope_name(Scope scope);
std::optional<Scope> parse_scope(std::string_view name);

// Of reviewers who are no users of the machine: above them all.
inline constexpr std::uint32_t kFirstUidBeyond = 0x8000'0000;

// Who asks: what the kernel says about the other end of the socket.
struct Reviewer {
  std::uint32_t uid = 0;
  std::string name = {};
  std::vector<std::string> groups = {};
};

struct Decision {
  bool pass = false;
  bool is_override = false;
  std::string by, reason;
  WallNs at = 0;
  OrderId order = 0;  // the order that this was part of
};

struct Hold {
  HoldOpened opened;  // without head, body and fingerprint where it is one of a list
  HoldState state = HoldState::open;
  WallNs deadline = 0;  // when the policy decides by itself
  std::string claimed_by;
  std::uint32_t claimed_uid = 0;
  WallNs claim_until = 0;
  std::optional<Decision> decision;
  WallNs ended = 0;
  std::uint32_t approvals = 0;  // votes for it so far
};

// Requests of a caller that wait for a decision.
struct HeldCount {
  std::string service, principal;
  std::uint64_t source = 0;  // of a name that the policy does not know there: from where (common/source.h)
  std::uint64_t open = 0;
};

// One person's word on a hold or on an order.
struct Vote {
  std::uint32_t uid = 0;
  std::string by = {}, reason = {};
  WallNs at = 0;
  bool approve = false;
  bool is_override = false;
  Scope scope = Scope::unit;
  DurationNs window_ns = 0;  // of scopes beyond the unit
};

enum class OrderState : std::uint8_t { proposed = 0, active = 1, revoked = 2, expired = 3, used = 4, rejected = 5 };
std::string_view order_state_name(OrderState state);

struct Order {
  OrderTold told;  // all but the time that remains
  OrderState state = OrderState::active;
  WallNs created = 0;
  WallNs until = 0;  // 0: until it is taken back
  DailyWindow window;
  HoldId from_hold = 0;  // the decision that made it
  bool is_override = false;
  WallNs ended = 0;
  std::string ended_by;
};

struct AuditEntry {
  std::uint64_t sequence = 0;
  WallNs at = 0;
  std::string by = {};  // empty: the data plane, or time
  std::string what = {};
  HoldId hold = 0;
  OrderId order = 0;
  std::string reason = {};
  bool is_override = false;
};

}  // namespace sluice::control
