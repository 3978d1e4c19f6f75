// Explicit congestion notification on one leg (RFC 3168 section 6.1): what came marked is echoed on every segment until
// the peer says that it sends less; what the peer echoes lowers our window once a round trip, and the next new segment
// says so. The legs are apart in this too: each has its own bottleneck.
#include "dataplane/tcp/leg.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

void Leg::note_marks(const SegmentIn& segment, TimeNs now) {
  if ((segment.flags & wire::kCwr) != 0) echo_congestion_ = false;
  if (segment.congested && !segment.payload.empty()) {
    ack_due_ |= !echo_congestion_;
    echo_congestion_ = true;
  }
  if ((segment.flags & wire::kEce) == 0 || in_flight_bytes() == 0) return;
  reduced_ |= flight_.on_congestion_echo(segment.ack, send_unacked_, send_max_, now);
}

}  // namespace sluice::tcp
