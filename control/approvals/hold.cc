// See hold.h.
#include "control/approvals/hold.h"

#include <algorithm>
#include <array>

namespace sluice::control {
namespace {

constexpr std::array<std::string_view, 10> kHoldStates = {"open",    "approved",  "rejected",    "passed", "denied",
                                                          "expired", "abandoned", "server_gone", "cut",    "lost"};
constexpr std::array<std::string_view, 4> kCauses = {"limit", "rule", "score", "order"};
constexpr std::array<std::string_view, 3> kVerdicts = {"pass", "hold", "deny"};
constexpr std::array<std::string_view, 4> kScopes = {"unit", "session", "principal", "everywhere"};
constexpr std::array<std::string_view, 6> kOrderStates = {"proposed", "active", "revoked",
                                                          "expired",  "used",   "rejected"};

template <std::size_t N, class Enum>
std::string_view name_in(const std::array<std::string_view, N>& names, Enum value) {
  const auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : "unknown";
}

template <class Enum, std::size_t N>
std::optional<Enum> parse_in(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view hold_state_name(HoldState state) {
  return name_in(kHoldStates, state);
}

std::optional<HoldState> parse_hold_state(std::string_view name) {
  return parse_in<HoldState>(kHoldStates, name);
}

std::string_view hold_cause_name(HoldCause cause) {
  return name_in(kCauses, cause);
}

std::string_view order_verdict_name(OrderVerdict verdict) {
  return name_in(kVerdicts, verdict);
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
