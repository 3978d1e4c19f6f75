// See deciding.h.
#include "control/approvals/deciding.h"

#include <algorithm>

#include "control/channel/flows.h"

namespace sluice::control {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

Result<void> check_reason(const std::string& reason, bool is_needed) {
  if (reason.empty() && is_needed) return fail(ErrorCode::bad_argument, "this needs a reason: it goes on the record");
  if (reason.size() > kMaxReasonBytes)
    return fail(ErrorCode::bad_argument, "a reason has at most " + std::to_string(kMaxReasonBytes) + " bytes");
  if (std::ranges::any_of(reason, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return fail(ErrorCode::bad_argument, "a reason is one line of text");  // it stands in logs and tables
  return {};
}

Result<void> check_window(DurationNs window_ns) {
  if (window_ns >= kMinWindow && window_ns <= kMaxWindow) return {};
  return fail(ErrorCode::bad_argument, "it must be for one minute to 366 days");
}

bool may_override(const Reviewer& reviewer, const ApprovalTerms& terms) {
  if (reviewer.uid == 0) return true;
  return !terms.override_group.empty() &&
         std::ranges::find(reviewer.groups, terms.override_group) != reviewer.groups.end();
}

Result<void> must_override(const Reviewer& reviewer, const ApprovalTerms& terms) {
  if (may_override(reviewer, terms)) return {};
  return fail(ErrorCode::not_permitted,
              "an override is for root" +
                  (terms.override_group.empty() ? std::string() : " and the group " + terms.override_group));
}

Error over(const Hold& hold) {
  std::string text = "this hold is " + std::string(hold_state_name(hold.state)) + " already";
  if (hold.decision) text += ": " + hold.decision->by + (hold.decision->pass ? " approved it" : " rejected it");
  return {ErrorCode::conflict, text};
}

Result<void> check_scope(const Hold& hold, const VoteRequest& request) {
  if (request.scope == Scope::unit) return {};
  if (request.scope != Scope::session && hold.opened.principal.empty())
    return fail(ErrorCode::bad_argument, "the caller of this unit has no name; decide on the unit or its session");
  return check_window(request.window_ns);
}

// What all who approve agree on: the narrowest scope, for the shortest time.
void narrow(Outcome& outcome, Scope scope, DurationNs window_ns) {
  outcome.scope = std::min(outcome.scope, scope);
  outcome.window_ns = outcome.scope == Scope::unit ? 0 : std::min(outcome.window_ns, window_ns);
}

// Counts people, with the one who votes now.
Result<Outcome> count(std::span<const Vote> votes, const Reviewer& reviewer, const VoteRequest& request,
                      std::uint32_t needed) {
  Outcome outcome{.scope = request.scope, .window_ns = request.window_ns, .needed = needed};
  if (!request.approve) {
    outcome.decides = true;
    return outcome;
  }
  // Each of the votes there are is another person's: none is taken of one who approved already.
  outcome.approvals = 1;
  for (const Vote& vote : votes) {
    if (!vote.approve) continue;
    if (vote.uid == reviewer.uid || vote.by == reviewer.name)
      return fail(ErrorCode::conflict, "you approved it already; it waits for others");
    ++outcome.approvals;
    narrow(outcome, vote.scope, vote.window_ns);
  }
  outcome.decides = outcome.pass = outcome.approvals >= needed;
  return outcome;
}

// How many must approve what is said of a service, where the reviewer may be one of them.
Result<std::uint32_t> needed_of(const Reviewer& reviewer, const ApprovalTerms& terms, const std::string& service) {
  const auto requirement = requirement_for(terms, service);
  if (!requirement) return std::unexpected(requirement.error());
  if (auto may = must_be_approver(*requirement, reviewer); !may) return std::unexpected(may.error());
  return requirement->minimum;
}

bool is_within(const std::string& client, const OrderTold& order) {
  const auto endpoint = parse_endpoint(client, "client");
  return endpoint && endpoint->address.prefix(order.source_bits) == order.source;
}

}  // namespace

Result<Requirement> requirement_for(const ApprovalTerms& terms, const std::string& service) {
  Requirement requirement;
  for (const auto& [name, approvers] : terms.services) {
    if (!service.empty() && name != service) continue;
    requirement.approvers.push_back(approvers);
    requirement.minimum = std::max(requirement.minimum, approvers.minimum);
  }
  if (requirement.approvers.empty())
    return fail(ErrorCode::not_permitted,
                service.empty() ? "no policy says who may approve"
                                : "the current policy names no service '" + service + "', so nobody may approve there");
  return requirement;
}

Result<void> must_be_approver(const Requirement& requirement, const Reviewer& reviewer) {
  for (const rules::Approvers& approvers : requirement.approvers) {
    if (approvers.groups.empty() ||
        std::ranges::find_first_of(approvers.groups, reviewer.groups) != approvers.groups.end())
      continue;
    return fail(ErrorCode::not_permitted,
                reviewer.name + " is in none of the groups that decide here: " + joined(approvers.groups));
  }
  return {};
}

Result<void> must_be_another(const Reviewer& reviewer, const std::string& principal) {
  if (principal.empty() || principal != reviewer.name) return {};
  return fail(ErrorCode::not_permitted, "nobody decides on their own call, and this one is " + principal + "'s");
}

Result<Outcome> judge_vote(const Hold& hold, std::span<const Vote> votes, const Reviewer& reviewer,
                           const VoteRequest& request, const ApprovalTerms& terms) {
  if (hold.state != HoldState::open) return std::unexpected(over(hold));
  if (request.is_override && !request.approve)
    return fail(ErrorCode::bad_argument, "an override approves; a reject needs none");
  for (const auto& checked : {check_reason(request.reason, !request.approve || request.is_override),
                              check_scope(hold, request), must_be_another(reviewer, hold.opened.principal)})
    if (!checked) return std::unexpected(checked.error());
  if (request.is_override) {
    if (auto may = must_override(reviewer, terms); !may) return std::unexpected(may.error());
    return Outcome{true, true, request.scope, request.window_ns, 1, 1};
  }
  const auto requirement =
      requirement_for(terms, request.scope == Scope::everywhere ? std::string() : hold.opened.service);
  // Where the policy no longer knows the service, who stops it needs no name in it.
  if (!requirement && request.approve) return std::unexpected(requirement.error());
  if (requirement)
    if (auto may = must_be_approver(*requirement, reviewer); !may) return std::unexpected(may.error());
  return count(votes, reviewer, request, requirement ? requirement->minimum : 1);
}

Result<Outcome> judge_order(const Order& order, const Reviewer& reviewer, bool is_override, const ApprovalTerms& terms,
                            WallNs now) {
  const OrderTold& told = order.told;
  const bool is_grant = told.verdict == OrderVerdict::pass;
  if (told.service.empty() && told.principal.empty() && told.session == 0 && told.source_bits == 0)
    return fail(ErrorCode::bad_argument, "it must be about a principal, a source, a session or a service");
  if (told.service.size() > kMaxOrderTextBytes || told.principal.size() > kMaxOrderTextBytes)
    return fail(ErrorCode::bad_argument, "a name is longer than any name is");
  if (auto checked = check_reason(told.reason, !is_grant || is_override); !checked)
    return std::unexpected(checked.error());
  if (is_override && !is_grant) return fail(ErrorCode::bad_argument, "an override grants; a pause or a ban needs none");
  if (order.until != 0) {
    // Its maker said so long a moment ago.
    const DurationNs left = order.until > now ? order.until - now : 0;
    const DurationNs moment = std::min<DurationNs>(kSecond, kMinWindow - std::min<DurationNs>(left, kMinWindow));
    if (auto checked = check_window(left + moment); !checked) return std::unexpected(checked.error());
  }
  if (!told.service.empty() && !terms.services.contains(told.service))
    return fail(ErrorCode::not_found, "the current policy names no service '" + told.service + "'");
  if (!is_grant) return Outcome{.decides = true, .pass = true, .approvals = 1};
  if (order.until == 0) return fail(ErrorCode::bad_argument, "a grant must end: say for how long");
  if (told.principal.empty()) return fail(ErrorCode::bad_argument, "a grant must name the principal that it is for");
  if (auto may = must_be_another(reviewer, told.principal); !may) return std::unexpected(may.error());
  if (is_override) {
    if (auto may = must_override(reviewer, terms); !may) return std::unexpected(may.error());
    return Outcome{.decides = true, .pass = true, .approvals = 1};
  }
  const auto needed = needed_of(reviewer, terms, told.service);
  if (!needed) return std::unexpected(needed.error());
  return count({}, reviewer, {.approve = true}, *needed);
}

Result<Outcome> judge_order_vote(const Order& order, std::span<const Vote> votes, const Reviewer& reviewer,
                                 const VoteRequest& request, const ApprovalTerms& terms) {
  if (order.state != OrderState::proposed)
    return fail(ErrorCode::conflict, "this grant is " + std::string(order_state_name(order.state)) + " already");
  if (auto checked = check_reason(request.reason, !request.approve); !checked) return std::unexpected(checked.error());
  if (auto may = must_be_another(reviewer, order.told.principal); !may) return std::unexpected(may.error());
  const auto needed = needed_of(reviewer, terms, order.told.service);
  if (!needed) return std::unexpected(needed.error());
  return count(votes, reviewer, request, *needed);
}

Result<void> judge_lift(const Order& order, const Reviewer& reviewer, const ApprovalTerms& terms) {
  if (order.state != OrderState::active && order.state != OrderState::proposed)
    return fail(ErrorCode::conflict, "this order is " + std::string(order_state_name(order.state)) + " already");
  if (order.told.verdict == OrderVerdict::pass) return {};
  if (auto may = must_be_another(reviewer, order.told.principal); !may) return may;
  if (order.told.by == reviewer.name || may_override(reviewer, terms)) return {};
  if (auto needed = needed_of(reviewer, terms, order.told.service); !needed) return std::unexpected(needed.error());
  return {};
}

Result<void> judge_claim(const Hold& hold, const Reviewer& reviewer, WallNs now) {
  if (hold.state != HoldState::open) return std::unexpected(over(hold));
  if (hold.claimed_by.empty() || hold.claim_until <= now || hold.claimed_uid == reviewer.uid ||
      hold.claimed_by == reviewer.name)
    return {};
  return fail(ErrorCode::conflict, hold.claimed_by + " looks at it already");
}

std::string declared_principal(const ApprovalTerms& terms, const IpAddress& client) {
  const KnownNetwork* closest = nullptr;
  for (const KnownNetwork& known : terms.networks)
    if (client.prefix(known.bits) == known.network && (closest == nullptr || known.bits > closest->bits))
      closest = &known;
  return closest != nullptr ? closest->principal : std::string();
}

std::string declared_principal(const ApprovalTerms& terms, const Hold& hold) {
  const auto client = parse_endpoint(hold.opened.client, "client");
  return client ? declared_principal(terms, client->address) : std::string();
}

bool means_declared(const ApprovalTerms& terms, const OrderTold& order) {
  return std::ranges::any_of(terms.networks, [&](const KnownNetwork& known) {
    const unsigned common = std::min<unsigned>(known.bits, order.source_bits);
    return known.principal == order.principal && known.network.prefix(common) == order.source.prefix(common);
  });
}

bool is_about(const OrderTold& order, const Hold& hold, const std::string& declared) {
  const HoldOpened& unit = hold.opened;
  if (!order.fingerprint.empty()) return false;
  if (!order.service.empty() && order.service != unit.service) return false;
  if (!order.principal.empty() && order.principal != declared) {
    const bool is_bound = order.source_bits != 0 || order.session != 0;
    if (order.principal != unit.principal || (order.verdict == OrderVerdict::pass && !is_bound)) return false;
  }
  if (order.session != 0 && order.session != unit.session) return false;
  return order.source_bits == 0 || is_within(unit.client, order);
}

const Order* deciding_order(std::span<const Order> orders, const Hold& hold, const std::string& declared) {
  const Order* found = nullptr;
  for (const Order& order : orders)
    if ((found == nullptr || order.told.verdict > found->told.verdict) && is_about(order.told, hold, declared))
      found = &order;
  return found != nullptr && found->told.verdict != OrderVerdict::hold ? found : nullptr;
}

}  // namespace sluice::control
