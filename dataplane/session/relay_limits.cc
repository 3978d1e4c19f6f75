// Limits: what a unit must pass before its first byte goes to the server, and how fast bytes are read from the peers.
#include <algorithm>
#include <array>

#include "common/stage_clock.h"
#include "dataplane/session/relay.h"

namespace sluice::session {
namespace {

using enforce::LimitPer;
using enforce::LimitThen;

constexpr std::size_t kMostRules = 32;  // that a unit matches and limits look at
constexpr DurationNs kLeastWait = kMillisecond;
constexpr DurationNs kMostWait = 60 * kSecond;  // of a unit: servers close connections that say nothing for longer

bool looks_at_rules(std::span<const enforce::Limit> limits) {
  return std::ranges::any_of(limits, [](const enforce::Limit& limit) { return limit.per == LimitPer::rule; });
}

std::uint64_t seconds_of(DurationNs wait_ns) {
  return std::max<std::uint64_t>(1, (wait_ns + kSecond - 1) / kSecond);
}

}  // namespace

// Whenever the policy or the principal is another.
void Relay::learn_limits() {
  own_limits_ = policy_->snapshot->limits_of(principal_);
  caller_hash_ = 0;
  const auto has = [&](enforce::LimitOf of) {
    const auto is = [of](const enforce::Limit& limit) { return limit.of == of && !limit.of_answer; };
    return std::ranges::any_of(own_limits_, is) || std::ranges::any_of(service_->limits, is);
  };
  limits_bytes_ = has(enforce::LimitOf::bytes);
  limits_rows_ = has(enforce::LimitOf::rows);
}

enforce::LimitLists Relay::limits() const {
  const enforce::RiskLine* line = asked().active() ? asked().pacing_line() : nullptr;
  return {.principal = own_limits_,
          .service = service_->limits,
          .observe = service_->mode == enforce::Mode::observe,
          .pace = line != nullptr ? &line->limit : nullptr};
}

std::uint64_t Relay::caller_hash(Context& context) {
  if (caller_hash_ == 0) caller_hash_ = context.limiter.caller_of(principal_, client_address_);
  return caller_hash_;
}

enforce::LimitedUnit Relay::limited_unit(Context& context) {
  return {.principal = principal_, .address = client_address_, .caller = caller_hash(context), .path = {}, .rules = {}};
}

// `again`: the unit waits already. What it takes of limits on how many are under way at once goes to `flights`.
Relay::LimitAnswer Relay::ask_limits(Context& context, bool again, std::string_view path, enforce::Flights& flights) {
  const enforce::LimitLists lists = limits();
  if (lists.empty()) return {};
  std::array<std::string_view, kMostRules> rules;
  std::size_t rule_count = 0;
  if (looks_at_rules(lists.service))
    for (const record::Hit& hit : asked().hits())
      if (rule_count < rules.size()) rules[rule_count++] = hit.rule_name;
  enforce::LimitedUnit unit = limited_unit(context);
  unit.path = path;
  unit.rules = std::span(rules).first(rule_count);
  const enforce::Admission admission = context.limiter.admit(lists, unit, policy_->limits, again, context.now, flights);
  context.errors.add(ErrorCode::limit_keys_exceeded, context.limiter.take_overflows());
  if (admission.by == nullptr) return {};
  switch (admission.then) {
    case LimitThen::observe:
      asked().note_limit(admission.by->name, would_be(*admission.by));
      return {};
    case LimitThen::throttle:
      return await_limit(context, admission, again);
    case LimitThen::hold:
      asked().note_limit(admission.by->name, Verdict::pass);
      return {.by = admission.by};
    case LimitThen::deny:
      asked().note_limit(admission.by->name, Verdict::deny);
      return {
          .says = LimitAnswer::Says::refuse, .by = admission.by, .retry_after_seconds = seconds_of(admission.wait_ns)};
  }
  return {};
}

// Until there may be room, but not for ever.
Relay::LimitAnswer Relay::await_limit(Context& context, const enforce::Admission& admission, bool again) {
  if (!again) {
    context.errors.add(ErrorCode::limit_throttled);
    throttled_since_ = context.now;
  }
  asked().note_limit(admission.by->name, Verdict::throttle);
  throttled_by_ = admission.by;
  const TimeNs give_up_at = throttled_since_ + kMostWait;
  if (context.now >= give_up_at) return give_up_throttled(admission.wait_ns);
  throttled_until_ = std::min(context.now + std::max(admission.wait_ns, kLeastWait), give_up_at);
  return {.says = LimitAnswer::Says::wait, .by = admission.by};
}

// It will not go any more: waited too long, or the server is gone.
Relay::LimitAnswer Relay::give_up_throttled(DurationNs wait_ns) {
  end_throttle();
  policy_->limits[throttled_by_->index]->denied.add();
  return {.says = LimitAnswer::Says::refuse, .by = throttled_by_, .retry_after_seconds = seconds_of(wait_ns)};
}

// The verdict that stands on the record of a unit that passed all the same: a service in mode observe says what it
// would have been.
Verdict Relay::would_be(const enforce::Limit& limit) const {
  if (service_->mode != enforce::Mode::observe || limit.then == LimitThen::observe) return Verdict::pass;
  switch (limit.then) {
    case LimitThen::deny:
      return Verdict::deny;
    case LimitThen::hold:
      return Verdict::hold;
    default:
      return Verdict::throttle;
  }
}

std::size_t Relay::share_of(Context& context, Direction direction, std::size_t bytes) {
  if ((!limits_bytes_ && !limits_rows_) || unread_) return bytes;
  const StageScope stage(Stage::enforce);
  std::uint32_t& charged = charged_bytes_[static_cast<std::size_t>(direction)];
  if (charged > 0) return std::min<std::size_t>(charged, bytes);
  TimeNs& until = paced_until_[static_cast<std::size_t>(direction)];
  if (until != kNever && context.now < until) return 0;
  until = kNever;
  const enforce::Limiter::Share share =
      context.limiter.share(limits(), limited_unit(context), policy_->limits, bytes, context.now);
  context.errors.add(ErrorCode::limit_keys_exceeded, context.limiter.take_overflows());
  if (share.bytes == 0) until = context.now + std::max(share.wait_ns, kLeastWait);
  return charged = static_cast<std::uint32_t>(share.bytes);  // of what is read at once
}

// What goes beyond the limit's room is waited for before more is read of the server.
void Relay::charge_rows(Context& context, std::uint64_t rows) {
  if (!limits_rows_ || rows == 0) return;
  const DurationNs wait_ns =
      context.limiter.charge_rows(limits(), limited_unit(context), policy_->limits, rows, context.now);
  context.errors.add(ErrorCode::limit_keys_exceeded, context.limiter.take_overflows());
  if (wait_ns == 0) return;
  TimeNs& until = paced_until_[static_cast<std::size_t>(Direction::response)];
  until = std::max(until == kNever ? 0 : until, context.now + std::max(wait_ns, kLeastWait));
}

void Relay::note_fed(Direction direction, std::size_t bytes) {
  std::uint32_t& charged = charged_bytes_[static_cast<std::size_t>(direction)];
  charged -= static_cast<std::uint32_t>(std::min<std::size_t>(charged, bytes));
}

// What has passed was asked for, or waits for something else.
TimeNs Relay::next_deadline(TimeNs now) const {
  TimeNs next = kNever;
  if (is_held()) next = std::min(hold_->deadline, hold_until_);
  if (next <= now) next = kNever;  // starved, or the server is called
  for (const TimeNs at : {throttled_until_, paced_until_[0], paced_until_[1]})
    if (at > now) next = std::min(next, at);
  return next;
}

}  // namespace sluice::session
