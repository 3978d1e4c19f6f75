// Limits of HTTP: a request that a limit refuses is answered; one that must wait keeps its head here, and nothing
// behind it is read.
#include <algorithm>

#include "common/stage_clock.h"
#include "dataplane/session/http_relay.h"
#include "dataplane/session/payload.h"

namespace sluice::session {

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
  const bool again = end_throttle();
  if (obey_orders(context)) return;
  Exchange& exchange = exchanges_.back();
  const LimitAnswer answer = ask_limits(context, again, exchange.path, exchange.flights);
  if (answer.says == LimitAnswer::Says::wait) return;
  if (answer.says == LimitAnswer::Says::refuse) return refuse_limited(context, answer, false);
  if (!service_->judges_request_body) request_.judged = true;
  if (hold_at_head(context, answer.by)) return;
  request_.head_ready = true;
  if (exchanges_.back().continue_due) send_continue(context);
}

// While the head is as it came: it is masked and edited before the limits are asked.
void HttpRelay::note_route(const http1::Head& head, Exchange& exchange) const {
  const auto is_per_route = [](const enforce::Limit& limit) { return limit.per == enforce::LimitPer::route; };
  if (std::ranges::none_of(service_->limits, is_per_route)) return;
  exchange.path = path_of(head);
  if (exchange.path.size() > enforce::Limiter::kMostText) {
    exchange.path.resize(enforce::Limiter::kMostText);
    exchange.path.shrink_to_fit();
  }
}

void HttpRelay::refuse_limited(Context& context, const LimitAnswer& answer, bool close) {
  refuse(context, ErrorCode::limit_exceeded, answer.by->name, close || request_.reader.head().expect_continue,
         answer.retry_after_seconds);
}

// What waited long enough is asked for again.
void HttpRelay::go_on_throttled(Context& context) {
  if (!is_throttled() || context.now < throttled_until_) return;
  pass_limits(context);
  if (is_throttled()) return;
  if (request_.head_ready && request_.message.active()) judge_request(context, false);
  advance(context);
}

}  // namespace sluice::session
