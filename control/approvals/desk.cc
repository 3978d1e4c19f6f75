// What the data plane tells, and what people decide about holds. See desk.h.
#include "control/approvals/desk.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "common/log.h"
#include "common/session_id.h"
#include "control/channel/flows.h"

namespace sluice::control {
namespace {

HoldState state_of(HoldEnding ending) {
  constexpr std::array<HoldState, kHoldEndings> kStates = {HoldState::passed,      HoldState::denied,
                                                           HoldState::expired,     HoldState::abandoned,
                                                           HoldState::server_gone, HoldState::cut};
  return kStates[static_cast<std::size_t>(ending)];
}

// A time that far off is no time: sums of it must not wrap.
WallNs after(WallNs now, DurationNs duration) {
  return now + std::min<DurationNs>(duration, kMaxWindow);
}

}  // namespace

Result<void> Desk::note(std::string_view by, std::string_view what, HoldId hold, OrderId order, std::string_view reason,
                        WallNs now, bool is_override) {
  return store_->note({.at = now,
                       .by = std::string(by),
                       .what = std::string(what),
                       .hold = hold,
                       .order = order,
                       .reason = std::string(reason),
                       .is_override = is_override});
}

Result<void> Desk::on(const HoldOpened& opened, WallNs now) {
  const WallNs deadline = after(now, opened.remaining_ns);
  const auto known = store_->hold(opened.hold);
  if (!known) return std::unexpected(known.error());
  if (*known) {
    // Told again after a hello, or because more of it is there. What was thought lost is there after all.
    if ((*known)->state == HoldState::lost)
      if (auto done = store_->set_state(opened.hold, HoldState::open, 0); !done) return done;
    return store_->set_told(opened, deadline);
  }
  if (open_ >= kMaxOpenHolds) {
    if (refused_++ == 0) log::warn("more holds wait than control keeps: those beyond are decided by their timeout");
    return {};
  }
  refused_ = 0;
  ++open_;
  if (auto added = store_->add(opened, deadline); !added) return added;
  return note({}, "opened", opened.hold, opened.order, {}, now);
}

Result<void> Desk::on(const HoldEnded& ended, WallNs now) {
  const auto known = store_->hold(ended.hold);
  if (!known) return std::unexpected(known.error());
  if (!*known || ((*known)->state > HoldState::rejected && (*known)->state != HoldState::lost)) return {};
  const HoldState state = state_of(ended.ending);
  if (auto done = store_->set_state(ended.hold, state, ended.wall_ns); !done) return done;
  return note({}, hold_state_name(state), ended.hold, 0, {}, now);
}

Result<void> Desk::on(const HoldsLive& live, WallNs now) {
  const std::set<HoldId> there(live.holds.begin(), live.holds.end());
  const auto known = store_->holds({.live = true, .limit = ~std::uint64_t{0} >> 1});
  if (!known) return std::unexpected(known.error());
  for (const Hold& hold : *known) {
    if (there.contains(hold.opened.hold)) continue;
    if (auto done = store_->set_state(hold.opened.hold, HoldState::lost, now); !done) return done;
    if (auto noted = note({}, "lost", hold.opened.hold, 0, {}, now); !noted) return noted;
  }
  return {};
}

Result<void> Desk::on(const OrderUsed& used, WallNs now) {
  const auto order = store_->order(used.order);
  if (!order) return std::unexpected(order.error());
  if (!*order || (*order)->state != OrderState::active || !(*order)->told.once) return {};
  if (auto done = store_->end_order(used.order, OrderState::used, now, {}); !done) return done;
  return note({}, "used", (*order)->from_hold, used.order,
              "session " + format_session_id(used.session) + " unit " + std::to_string(used.unit), now);
}

Result<void> Desk::take_one(const HoldMessage& message, WallNs now) {
  return std::visit([&](const auto& what) { return on(what, now); }, message);
}

Result<void> Desk::take(std::span<const HoldMessage> messages, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  const auto open = store_->count(HoldState::open);
  if (!open) return std::unexpected(open.error());
  open_ = *open;
  for (const HoldMessage& message : messages)
    if (auto done = take_one(message, now); !done) return done;
  if (auto committed = transaction->commit(); !committed) return committed;
  if (std::ranges::any_of(messages, [](const auto& message) { return std::holds_alternative<OrderUsed>(message); }))
    next_deadline_ = 0;  // one may count no more
  return {};
}

Result<void> Desk::connected(WallNs now) {
  counting_.clear();
  outbox_.clear();
  next_deadline_ = 0;
  const auto counting = say_orders(now);
  if (!counting) return std::unexpected(counting.error());
  for (const HoldState state : {HoldState::approved, HoldState::rejected}) {
    const auto decided = store_->holds({.state = state, .limit = ~std::uint64_t{0} >> 1});
    if (!decided) return std::unexpected(decided.error());
    for (const Hold& hold : *decided)
      if (hold.decision)
        outbox_.push_back(
            encode_decision(hold.opened.hold, hold.decision->pass, hold.decision->by, hold.decision->reason));
  }
  if (auto kept = keep_settled(*counting, now); !kept)
    log::warn("what orders ended is not kept yet: " + kept.error().message());
  return {};
}

Result<Hold> Desk::found(HoldId hold) {
  auto known = store_->hold(hold);
  if (!known) return std::unexpected(known.error());
  if (!*known) return fail(ErrorCode::not_found, "no hold has the id " + format_session_id(hold));
  return std::move(**known);
}

Result<void> Desk::decide(const Hold& hold, const Decision& decision) {
  if (auto done = store_->set_decision(hold.opened.hold, decision); !done) return done;
  return note(decision.by, decision.pass ? "approved" : "rejected", hold.opened.hold, decision.order, decision.reason,
              decision.at, decision.is_override);
}

Result<VoteAnswer> Desk::vote(HoldId id, const Reviewer& reviewer, const VoteRequest& request, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  const auto hold = found(id);
  if (!hold) return std::unexpected(hold.error());
  const auto votes = store_->hold_votes(id);
  if (!votes) return std::unexpected(votes.error());
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  const auto outcome = judge_vote(*hold, *votes, reviewer, request, *terms);
  if (!outcome) return std::unexpected(outcome.error());
  const Vote vote{reviewer.uid,    reviewer.name,       request.reason, now,
                  request.approve, request.is_override, request.scope,  request.window_ns};
  if (auto added = store_->add_hold_vote(id, vote); !added) return std::unexpected(added.error());
  VoteAnswer answer{.outcome = *outcome};
  Decision decision{outcome->pass, request.is_override, reviewer.name, request.reason, now, 0};
  Result<void> done;
  if (outcome->decides) {
    auto order = make_order(*hold, *outcome, decision, *terms, now);
    if (!order) return std::unexpected(order.error());
    answer.order = decision.order = *order;
    answer.state = outcome->pass ? HoldState::approved : HoldState::rejected;
    done = decide(*hold, decision);
  } else {
    done = note(reviewer.name, "voted", id, 0, request.reason, now);
  }
  if (!done) return std::unexpected(done.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  if (!outcome->decides) return answer;
  if (request.is_override)
    log::warn("OVERRIDE: " + reviewer.name + " let hold " + format_session_id(id) + " pass: " + request.reason);
  const auto covered = settle_orders(now);
  if (covered) answer.covered = *covered;  // else the next tick says it
  outbox_.push_back(encode_decision(id, decision.pass, decision.by, decision.reason));
  return answer;
}

Result<Hold> Desk::claim(HoldId id, const Reviewer& reviewer, bool take_back, WallNs now) {
  auto transaction = store_->begin();
  if (!transaction) return std::unexpected(transaction.error());
  const auto hold = found(id);
  if (!hold) return hold;
  if (auto may = judge_claim(*hold, reviewer, now); !may) return std::unexpected(may.error());
  const auto done = take_back ? store_->set_claim(id, {}, 0) : store_->set_claim(id, reviewer, now + kClaimTime);
  if (!done) return std::unexpected(done.error());
  if (auto noted = note(reviewer.name, take_back ? "unclaimed" : "claimed", id, 0, {}, now); !noted)
    return std::unexpected(noted.error());
  if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
  return found(id);
}

Result<std::vector<HeldCount>> Desk::held(std::size_t limit) {
  const auto open = store_->open_counts();
  if (!open) return std::unexpected(open.error());
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  std::map<std::tuple<std::string, std::string, std::uint64_t>, std::uint64_t> sums;
  for (const auto& one : *open) {
    const auto client = parse_endpoint(one.client, "client");
    const IpAddress address = client ? client->address : IpAddress();
    const bool is_declared = declared_principal(*terms, address) == one.principal;
    sums[{one.service, one.principal, is_declared ? 0 : address.source()}] += one.open;
  }
  std::vector<HeldCount> out;
  for (const auto& [who, count] : sums) out.push_back({std::get<0>(who), std::get<1>(who), std::get<2>(who), count});
  std::ranges::sort(out, std::greater(), &HeldCount::open);
  out.resize(std::min(out.size(), limit));
  return out;
}

Result<bool> Desk::means_declared(const OrderTold& order) {
  const auto terms = terms_();
  if (!terms) return std::unexpected(terms.error());
  return control::means_declared(*terms, order);
}

Result<HoldDetail> Desk::hold(HoldId id) {
  auto hold = found(id);
  if (!hold) return std::unexpected(hold.error());
  auto votes = store_->hold_votes(id);
  if (!votes) return std::unexpected(votes.error());
  auto audit = store_->audit_of(id);
  if (!audit) return std::unexpected(audit.error());
  return HoldDetail{std::move(*hold), std::move(*votes), std::move(*audit)};
}

}  // namespace sluice::control
