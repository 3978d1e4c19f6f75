// Limits: what a request must pass before its first byte goes to the server, and how fast bytes are read from the
// peers. A request that a limit refuses is answered; one that must wait keeps its head here, and nothing behind it is
// read.
#include <algorithm>
#include <array>

#include "common/stage_clock.h"
#include "dataplane/session/http_relay.h"
#include "dataplane/session/payload.h"

namespace sluice::session {
namespace {

using enforce::LimitPer;
using enforce::LimitThen;

constexpr std::size_t kMostRules = 32;  // that a head matches and limits look at
constexpr DurationNs kLeastWait = kMillisecond;
constexpr DurationNs kMostWait = 60 * kSecond;  // of a request: servers close connections that say nothing for longer

bool looks_at(std::span<const enforce::Limit> limits, LimitPer per) {
  return std::ranges::any_of(limits, [&](const enforce::Limit& limit) { return limit.per == per; });
}

std::uint64_t seconds_of(DurationNs wait_ns) {
  return std::max<std::uint64_t>(1, (wait_ns + kSecond - 1) / kSecond);
}

}  // namespace

// Whenever the policy or the principal is another.
void HttpRelay::learn_limits() {
  own_limits_ = policy_->snapshot->limits_of(principal_);
  caller_hash_ = 0;
  const auto are_of_bytes = [](const enforce::Limit& limit) { return limit.of == enforce::LimitOf::bytes; };
  limits_bytes_ = std::ranges::any_of(own_limits_, are_of_bytes) || std::ranges::any_of(service_->limits, are_of_bytes);
}

enforce::LimitLists HttpRelay::limits() const {
  const enforce::RiskLine* line = request_.message.active() ? request_.message.line() : nullptr;
  return {.principal = own_limits_,
          .service = service_->limits,
          .observe = service_->mode == enforce::Mode::observe,
          .pace = line != nullptr && line->then == LimitThen::throttle ? &line->limit : nullptr};
}

std::uint64_t HttpRelay::caller_hash(Context& context) {
  if (caller_hash_ == 0) caller_hash_ = context.limiter.caller_of(principal_, client_address_);
  return caller_hash_;
}

enforce::LimitedUnit HttpRelay::limited_unit(Context& context) {
  return {.principal = principal_, .address = client_address_, .caller = caller_hash(context), .path = {}, .rules = {}};
}

// A head is there: until it was looked at, its buckets are, too.
void HttpRelay::expect_limits(Context& context) {
  const enforce::LimitLists lists = limits();
  if (lists.empty()) return;
  const StageScope stage(Stage::enforce);
  context.limiter.expect(lists, limited_unit(context));
}

// The last of what is decided on a request's head; asked again when it waited.
void HttpRelay::pass_limits(Context& context) {
  const StageScope stage(Stage::enforce);
  const bool again = is_throttled();
  throttled_until_ = kNever;
  if (obey_orders(context)) return;
  const enforce::LimitLists lists = limits();
  const enforce::Limit* held_by = nullptr;
  if (!lists.empty() && !ask_limits(context, lists, again, held_by)) return;
  if (!service_->judges_request_body) request_.judged = true;
  if (hold_at_head(context, held_by)) return;
  request_.head_ready = true;
  if (exchanges_.back().continue_due) send_continue(context);
}

// While the head is as it came: it is masked and edited before the limits are asked.
void HttpRelay::note_route(const http1::Head& head, Exchange& exchange) const {
  if (!looks_at(service_->limits, LimitPer::route)) return;
  exchange.path = path_of(head);
  if (exchange.path.size() > enforce::Limiter::kMostText) {
    exchange.path.resize(enforce::Limiter::kMostText);
    exchange.path.shrink_to_fit();
  }
}

// True: the request may go, but for what `held_by` holds.
bool HttpRelay::ask_limits(Context& context, const enforce::LimitLists& lists, bool again,
                           const enforce::Limit*& held_by) {
  Exchange& exchange = exchanges_.back();
  std::array<std::string_view, kMostRules> rules;
  std::size_t rule_count = 0;
  if (looks_at(lists.service, LimitPer::rule))
    for (const record::Hit& hit : request_.message.hits())
      if (rule_count < rules.size()) rules[rule_count++] = hit.rule_name;
  enforce::LimitedUnit unit = limited_unit(context);
  unit.path = exchange.path;
  unit.rules = std::span(rules).first(rule_count);
  const enforce::Admission admission =
      context.limiter.admit(lists, unit, policy_->limits, again, context.now, exchange.flights);
  context.errors.add(ErrorCode::limit_keys_exceeded, context.limiter.take_overflows());
  if (admission.by == nullptr) return true;
  switch (admission.then) {
    case LimitThen::observe:
      request_.message.note_limit(admission.by->name, would_be(*admission.by));
      return true;
    case LimitThen::throttle:
      if (!again) {
        context.errors.add(ErrorCode::limit_throttled);
        throttled_since_ = context.now;
      }
      request_.message.note_limit(admission.by->name, Verdict::throttle);
      throttled_by_ = admission.by;
      if (context.now >= throttled_since_ + kMostWait)
        give_up_throttled(context, admission.wait_ns, false);
      else
        throttled_until_ =
            std::min(context.now + std::max(admission.wait_ns, kLeastWait), throttled_since_ + kMostWait);
      return false;
    case LimitThen::hold:
      request_.message.note_limit(admission.by->name, Verdict::pass);
      held_by = admission.by;
      return true;
    case LimitThen::deny:
      request_.message.note_limit(admission.by->name, Verdict::deny);
      refuse(context, ErrorCode::limit_exceeded, admission.by->name, request_.reader.head().expect_continue,
             seconds_of(admission.wait_ns));
      return false;
  }
  return false;
}

// The verdict that stands on the record of a request that passed all the same: a service in mode observe says what it
// would have been.
Verdict HttpRelay::would_be(const enforce::Limit& limit) const {
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

// It will not go any more: waited too long, or with `close`, the server is gone.
void HttpRelay::give_up_throttled(Context& context, DurationNs wait_ns, bool close) {
  throttled_until_ = kNever;
  policy_->limits[throttled_by_->index]->denied.add();
  refuse(context, ErrorCode::limit_exceeded, throttled_by_->name, close || request_.reader.head().expect_continue,
         seconds_of(wait_ns));
}

// What waited long enough is asked for again.
void HttpRelay::go_on_throttled(Context& context) {
  if (!is_throttled() || context.now < throttled_until_) return;
  pass_limits(context);
  if (is_throttled()) return;
  if (request_.head_ready && request_.message.active()) judge_request(context, false);
  advance(context);
}

std::size_t HttpRelay::share_of(Context& context, Direction direction, std::size_t bytes) {
  if (!limits_bytes_ || unread_) return bytes;
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

// What has passed was asked for, or waits for something else.
TimeNs HttpRelay::next_deadline(TimeNs now) const {
  TimeNs next = kNever;
  if (is_held()) next = std::min(hold_->deadline, hold_until_);
  if (next <= now) next = kNever;  // starved, or the server is called
  for (const TimeNs at : {throttled_until_, paced_until_[0], paced_until_[1]})
    if (at > now) next = std::min(next, at);
  return next;
}

}  // namespace sluice::session
