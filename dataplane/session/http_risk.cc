// Scores: which of its caller's streams a request may be a piece of.
#include "dataplane/session/http_relay.h"

namespace sluice::session {

// The folder of its path: escapes, which make no difference to a server, may make one here.
void HttpRelay::note_stream(Context& context, const http1::Head& head) {
  if (service_->risk.behaviour(enforce::BehaviourKind::pieces).score == 0 || !head.has_body()) return;
  request_.message.note_stream(context.behaviours.stream_of(head.target.substr(0, head.target.find_first_of("?#"))));
}

}  // namespace sluice::session
