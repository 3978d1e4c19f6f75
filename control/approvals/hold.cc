// See hold.h.
#include "control/approvals/hold.h"

#include <array>

#include "common/names.h"

namespace sluice::control {
namespace {

constexpr std::array<std::string_view, 10> kHoldStates = {"open",    "approved",  "rejected",    "passed", "denied",
                                                          "expired", "abandoned", "server_gone", "cut",    "lost"};
constexpr std::array<std::string_view, 4> kScopes = {"unit", "session", "principal", "everywhere"};
constexpr std::array<std::string_view, 6> kOrderStates = {"proposed", "active", "revoked",
                                                          "expired",  "used",   "rejected"};

}  // namespace

std::string_view hold_state_name(HoldState state) {
  return name_in(kHoldStates, state);
}

std::optional<HoldState> parse_hold_state(std::string_view name) {
  return parse_in<HoldState>(kHoldStates, name);
}

std::string_view hold_cause_name(HoldCause cause) {
  return name_in(kHoldCauseNames, cause);
}

std::string_view order_verdict_name(OrderVerdict verdict) {
  return name_in(kOrderVerdictNames, verdict);
}

std::string_view scope_name(Scope scope) {
  return name_in(kScopes, scope);
}

std::optional<Scope> parse_scope(std::string_view name) {
  return parse_in<Scope>(kScopes, name);
}

std::string_view order_state_name(OrderState state) {
  return name_in(kOrderStates, state);
}

}  // namespace sluice::control
