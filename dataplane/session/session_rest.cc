// Idle sessions are small, and so are those that linger: once nothing is under way for a while, or nothing but time is
// missing to the end, both legs and the relay are given up for what must be known to go on (a tenth of their size), and
// made anew when a segment, an error of the network or an end of the session comes. Neither peer can tell.
#include <algorithm>

#include "dataplane/session/session.h"

namespace sluice::session {

void Session::go_to_rest(Context& context) {
  const bool waits = stalled_ || closing_ || !request_.waiting.empty() || !response_.waiting.empty() ||
                     keepalive_waits_[0] || keepalive_waits_[1];
  if (!opened_ || waits || !relay().may_rest() || !client_leg().is_quiet() || !server_leg().is_quiet()) return;
  leave_legs(context);
}

// TIME_WAIT is a minute, and who opens connections by the thousand has as many of them.
void Session::linger_at_rest(Context& context) {
  if (client_leg().is_settled() && server_leg().is_settled()) leave_legs(context);
}

TimeNs Session::rests_until() const {
  if (phase_ != Phase::lingering) return active_at_ + limits_.idle;
  return std::min(at_rest_->client_leg.closes_at, at_rest_->server_leg.closes_at);
}

void Session::leave_legs(Context& context) {
  at_rest_.reset(new AtRest{.client_leg = client_leg().rest(),
                            .server_leg = server_leg().rest(),
                            .relay = relay().rest(),
                            .pools = context.pools,
                            .slabs = context.awake,
                            .key = context.hash_key});
  terminated_.reset();
}

Session::TerminatedPtr Session::awake(TimeNs now) const {
  auto terminated = at_rest_->slabs.make<Terminated>(*this, at_rest_->client_leg, at_rest_->server_leg, at_rest_->pools,
                                                     at_rest_->key, now);
  terminated->relay.go_on(at_rest_->relay);
  return terminated;
}

void Session::wake(TimeNs now) {
  terminated_ = awake(now);
  at_rest_.reset();
}

}  // namespace sluice::session
