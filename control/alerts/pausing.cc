// Pauses that alerts make. See alerts.h.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "common/log.h"
#include "common/source.h"
#include "control/alerts/alerts.h"
#include "control/alerts/rule_reader.h"

namespace sluice::control {
namespace {

// What the data plane counts under when a caller has no name, or no row of its own: nobody whom a pause could mean.
constexpr std::string_view kNobody[] = {"", kAnonymous, kOthers};

constexpr DurationNs kFirstPauseWait = kSecond;  // it doubles from one attempt to the next
constexpr DurationNs kLastPauseWait = 60 * kSecond;
constexpr std::string_view kMaker = "alert ";
constexpr const char* kTriedAgain = "; it is tried again";

// What a pause of this caller is about: of a name that it gave itself only what comes from where it calls.
Order pause_of(const AlertKey& caller) {
  const SourceNetwork from = network_of_source(caller.source);
  Order order;
  order.told.verdict = OrderVerdict::hold;
  order.told.service = caller.service;
  order.told.principal = caller.name;
  order.told.source = from.address;
  order.told.source_bits = static_cast<std::uint8_t>(from.bits);
  return order;
}

// Names that callers make up must not take the room of others.
Result<void> must_have_room(const OrderTold& pause, std::span<const Order> orders) {
  if (pause.source_bits == 0) return {};
  std::size_t all = 0, of_source = 0;
  for (const Order& there : orders) {
    if (!there.told.by.starts_with(kMaker) || there.told.source_bits == 0) continue;
    ++all;
    of_source += there.told.source == pause.source && there.told.source_bits == pause.source_bits ? 1 : 0;
  }
  if (of_source >= kMaxPausesOfSource)
    return fail(ErrorCode::conflict,
                fmt::format("{} pauses are about names from its source already: pause the source", kMaxPausesOfSource));
  if (all >= kMaxGivenPauses)
    return fail(ErrorCode::conflict,
                fmt::format("{} pauses are about names that callers gave themselves already", kMaxGivenPauses));
  return {};
}

// Who calls under another's name has nobody paused but himself.
Result<void> must_spare_declared(const OrderTold& pause, Approvals& approvals) {
  if (pause.source_bits == 0) return {};
  const auto means = approvals.means_declared(pause);
  if (!means) return std::unexpected(means.error());
  if (*means) return fail(ErrorCode::conflict, "the policy knows another by this name there: pause the source");
  return {};
}

// Empty: it can be.
std::string why_not_paused(const std::string& principal) {
  if (std::ranges::find(kNobody, principal) != std::end(kNobody)) return "not paused: this is nobody's own name";
  if (principal.size() >= kMostCallerNameBytes)
    return "not paused: the name is as long as names are counted, and may go on";
  return {};
}

bool is_same_pause(const OrderTold& a, const OrderTold& b) {
  return a.verdict == b.verdict && a.by == b.by && a.service == b.service && a.principal == b.principal &&
         a.source == b.source && a.source_bits == b.source_bits;
}

}  // namespace

std::string Alerts::maker_of(const AlertRule& rule) {
  return std::string(kMaker) + rule.name;
}

Result<OrderId> Alerts::pause(const AlertRule& rule, const AlertKey& key, const std::string& reason,
                              std::string& action) {
  Order order = pause_of(key);
  order.told.by = maker_of(rule);
  if (auto spares = must_spare_declared(order.told, approvals_); !spares) return std::unexpected(spares.error());
  // Made before control ended, or before the store took the alert: one is enough.
  const auto orders = approvals_.orders(false, kMaxOrders);
  if (!orders) return std::unexpected(orders.error());
  for (const Order& there : *orders)
    if (is_same_pause(there.told, order.told) && there.until > approvals_.now() + rule.pause_for / 2) {
      action = "paused already by order " + std::to_string(there.told.order);
      return there.told.order;
    }
  if (auto room = must_have_room(order.told, *orders); !room) return std::unexpected(room.error());
  order.told.reason = reason.substr(0, kMaxOrderTextBytes);
  order.until = approvals_.now() + rule.pause_for;
  const auto made =
      approvals_.add_order(std::move(order), {.uid = kFirstUidBeyond, .name = maker_of(rule), .groups = {}}, false);
  if (!made) return std::unexpected(made.error());
  action = "paused for " + format_duration(rule.pause_for) + " by order " + std::to_string(made->told.order);
  return made->told.order;
}

void Alerts::begin_pause(Change& change, TimeNs now) {
  const AlertRule& rule = change.what.rule;
  const AlertKey& key = change.what.key;
  Alert& alert = change.alert;
  if (rule.pause_for == 0 || key.per != AlertPer::principal) return;
  alert.action = why_not_paused(key.name);
  if (!alert.action.empty()) return;
  const std::string reason = alert_text(alert);
  const auto made = pause(rule, key, reason, alert.action);
  if (made) {
    alert.order = *made;
    return;
  }
  alert.action = "not paused: " + made.error().message() + kTriedAgain;
  log::error(maker_of(rule) + ": " + alert.action);
  if (pausing_.size() < AlertEvaluator::kMaxSeries)
    pausing_.push_back({.rule = rule, .key = key, .reason = reason, .again = now + kFirstPauseWait});
}

// By what was concluded, also where the store does not know it yet.
bool Alerts::is_active(const Place& place) {
  const auto is_it = [&](const Change& change) { return Place(change.what.rule.name, change.what.key) == place; };
  const auto last = std::find_if(settling_.rbegin(), settling_.rend(), is_it);
  if (last != settling_.rend()) return last->what.is_raised;
  const std::lock_guard lock(mutex_);
  return active_.contains(place);
}

// On the alert, which is kept already or about to be.
void Alerts::tell_pause(const Place& place, OrderId order, const std::string& action) {
  for (Change& change : settling_)
    if (change.what.is_raised && Place(change.what.rule.name, change.what.key) == place) {
      change.alert.order = order;
      change.alert.action = action;
      return;
    }
  const std::lock_guard lock(mutex_);
  const auto known = active_.find(place);
  if (known == active_.end()) return;
  if (auto done = store_->set_action(known->second, order, action); !done)
    log::error("what became of a pause is not on its alert: " + done.error().message());
}

// What people did meanwhile counts more than what failed before.
bool Alerts::is_told_still(const AlertRule& rule) {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(status_.rules, [&](const auto& known) { return known.first == rule; });
}

void Alerts::forget_pause(const Place& place) {
  std::erase_if(pausing_, [&](const Pausing& one) { return Place(one.rule.name, one.key) == place; });
}

// True when it was made, or will not be.
bool Alerts::try_pause_again(Pausing& one, TimeNs now) {
  if (now < one.again) return false;
  const Place place(one.rule.name, one.key);
  if (!is_active(place)) return true;
  if (!is_told_still(one.rule)) {
    tell_pause(place, 0, "not paused: the rule was changed before it could be");
    return true;
  }
  std::string action;
  const auto made = pause(one.rule, one.key, one.reason, action);
  const bool is_last = ++one.attempts >= kPauseAttempts;
  if (!made) action = "not paused: " + made.error().message() + (is_last ? "" : kTriedAgain);
  tell_pause(place, made.value_or(0), action);
  one.again = now + std::min(kFirstPauseWait << (one.attempts - 1), kLastPauseWait);
  if (made) {
    log::warn(maker_of(one.rule) + ": " + action);
  } else if (is_last) {
    log::error(maker_of(one.rule) + ": " + action);
    const std::lock_guard lock(mutex_);
    ++status_.unpaused;
  }
  return made || is_last;
}

void Alerts::try_pauses_again(TimeNs now) {
  for (auto one = pausing_.begin(); one != pausing_.end();)
    one = try_pause_again(*one, now) ? pausing_.erase(one) : std::next(one);
}

}  // namespace sluice::control
