// Scores: whose behaviour a request's score begins with, and what it is known by.
#include "dataplane/session/http_relay.h"

namespace sluice::session {

// When a request begins, before its message does: by whom its behaviour is known. Who calls himself like another is not
// that one, and what he does is not put down to him.
void HttpRelay::weigh_caller(Context& context, UnitInfo& unit) {
  const enforce::Risk& risk = service_->risk;
  if (!risk.has_behaviours) return;
  const std::uint64_t name = caller_hash(context) ^ risk.id;
  if (given_from_ == 0)
    unit.who = {.caller = name, .declared = !principal_.empty()};
  else
    unit.who = {.caller = name ^ context.limiter.caller_of({}, client_address_), .name = name};
  unit.stream = 0;
}

// The folder of its path: escapes, which make no difference to a server, may make one here.
void HttpRelay::note_stream(Context& context, const http1::Head& head) {
  if (service_->risk.behaviour(enforce::BehaviourKind::pieces).score == 0 || !head.has_body()) return;
  request_.message.note_stream(context.behaviours.stream_of(head.target.substr(0, head.target.find_first_of("?#"))));
}

}  // namespace sluice::session
