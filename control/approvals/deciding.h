// The rules of deciding: who may, when enough have, what a decision covers. Values in, values out; nothing is stored
// here.
//
// Nobody decides on their own call. One person counts once, in however many groups, and is the same by name or by user.
// One reject rejects. What several approve together reaches as far as the most careful of them said.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/ip_address.h"
#include "common/time.h"
#include "control/approvals/hold.h"
#include "rules/hold.h"

namespace sluice::control {

inline constexpr std::size_t kMaxReasonBytes = 500;
inline constexpr DurationNs kMinWindow = 60 * kSecond;
inline constexpr DurationNs kMaxWindow = 366ULL * 24 * 3600 * kSecond;
inline constexpr DurationNs kClaimTime = 10ULL * 60 * kSecond;

// Whom the policy knows by the network that they call from.
struct KnownNetwork {
  IpAddress network;      // host bits zero
  std::uint8_t bits = 0;  // of 128
  std::string principal;
};

// Who may decide, as the current policy and control's options say.
struct ApprovalTerms {
  std::map<std::string, rules::Approvers, std::less<>> services;
  std::vector<KnownNetwork> networks;
  std::string override_group;  // beside root; empty: root alone
};

// What holds about a service, or about all of them at once.
struct Requirement {
  std::vector<rules::Approvers> approvers;  // a reviewer must do for each
  std::uint32_t minimum = 1;
};
// An empty service is every one. not_permitted for one that the policy does not name.
Result<Requirement> requirement_for(const ApprovalTerms& terms, const std::string& service);
Result<void> must_be_approver(const Requirement& requirement, const Reviewer& reviewer);
Result<void> must_be_another(const Reviewer& reviewer, const std::string& principal);

struct VoteRequest {
  bool approve = false;
  bool is_override = false;
  Scope scope = Scope::unit;
  DurationNs window_ns = 0;
  std::string reason = {};
};

// What a vote leads to.
struct Outcome {
  bool decides = false;
  bool pass = false;
  Scope scope = Scope::unit;
  DurationNs window_ns = 0;
  std::uint32_t approvals = 0, needed = 1;
};
// `votes` are those there are on this hold, without this one.
Result<Outcome> judge_vote(const Hold& hold, std::span<const Vote> votes, const Reviewer& reviewer,
                           const VoteRequest& request, const ApprovalTerms& terms);

// A new order: what it says is checked, and whether its maker's word is enough.
Result<Outcome> judge_order(const Order& order, const Reviewer& reviewer, bool is_override, const ApprovalTerms& terms,
                            WallNs now);
// A vote on a grant that was proposed.
Result<Outcome> judge_order_vote(const Order& order, std::span<const Vote> votes, const Reviewer& reviewer,
                                 const VoteRequest& request, const ApprovalTerms& terms);
// Taking one back. A grant: anyone. A pause or a ban: who made it, or who could grant there.
Result<void> judge_lift(const Order& order, const Reviewer& reviewer, const ApprovalTerms& terms);

// Nobody else's claim may be in the way.
Result<void> judge_claim(const Hold& hold, const Reviewer& reviewer, WallNs now);

// The principal that the policy declares for the network of a unit's client; empty for none. Any other name a caller
// gave itself.
std::string declared_principal(const ApprovalTerms& terms, const Hold& hold);
std::string declared_principal(const ApprovalTerms& terms, const IpAddress& client);
// The policy knows somebody by the name that this order gives where it says from: it means that one, too.
bool means_declared(const ApprovalTerms& terms, const OrderTold& order);

// Whether an order is about a held unit, as the data plane judges it; ones of a ticket are about none that waits. A
// grant to a name that a caller gave itself must also say from where.
bool is_about(const OrderTold& order, const Hold& hold, const std::string& declared);
// Of the orders that count now: the one that decides this hold, null when none does. Deny comes before hold before
// pass.
const Order* deciding_order(std::span<const Order> orders, const Hold& hold, const std::string& declared);

}  // namespace sluice::control
