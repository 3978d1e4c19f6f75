// See seam.h.
#include "dataplane/tcp/seam.h"

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/build.h"

namespace sluice::tcp {

// Quiet: every byte was read, delivered and acknowledged both ways, nothing is due, neither side has finished, and both
// windows are open, so that neither peer waits for word of a window that nobody would send any more.
bool Leg::is_quiet() const {
  const bool drained = state_ == LegState::open && receive_.empty() && reassembly_.empty() && in_flight_bytes() == 0 &&
                       unsent_.empty() && !fin_queued_ && !peer_fin_seen_;
  return drained && next_deadline() == kNever && !ack_due_ && !ack_wanted_ && last_ack_sent_ == receive_next_ &&
         send_window_ >= mss_ && distance(receive_next_, receive_edge_) >= receive_mss_;
}

Seam Leg::seam() const {
  wire::TcpOptions options;
  options.has_timestamps = timestamps_;
  return {.send_next = send_max_,
          .send_edge = send_max_ + send_window_,
          .receive_next = receive_next_,
          .receive_edge = receive_edge_,
          .send_shift = send_shift_,
          .receive_shift = receive_shift_,
          .mss = static_cast<std::uint16_t>(mss_ + wire::tcp_option_bytes(options))};
}

}  // namespace sluice::tcp
