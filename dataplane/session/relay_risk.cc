// Scores: whose behaviour a unit's score begins with, and what that one is known by.
#include "dataplane/session/relay.h"

namespace sluice::session {

// When a unit begins, before its message does. Who calls himself like another, from where `given_from` says, is not
// that one, and what he does is not put down to him; 0: the policy gave the name.
void Relay::know_caller(Context& context, UnitInfo& unit, std::uint64_t given_from) {
  const enforce::Risk& risk = service_->risk;
  if (!risk.has_behaviours) return;
  const std::uint64_t name = caller_hash(context) ^ risk.id;
  if (given_from == 0)
    unit.who = {.caller = name, .declared = !principal_.empty()};
  else
    unit.who = {.caller = name ^ context.limiter.caller_of({}, client_address_), .name = name};
  unit.stream = 0;
}

// It counts among what its caller does.
void Relay::weigh(Context& context) {
  const enforce::Risk& risk = service_->risk;
  if (!risk.has_behaviours) return;
  asked().weigh(context.behaviours.begin(risk, asked().unit().who, client_address_.source(), context.now));
}

}  // namespace sluice::session
