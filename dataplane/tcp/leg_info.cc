// See leg_info.h.
#include "dataplane/tcp/leg_info.h"

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

TcpState state_of(bool fin_sent, bool fin_acked, bool peer_finished) {
  if (!fin_sent) return peer_finished ? TcpState::close_wait : TcpState::established;
  if (fin_acked) return peer_finished ? TcpState::closed : TcpState::fin_wait_2;
  return peer_finished ? TcpState::last_ack : TcpState::fin_wait_1;
}

LegInfo Leg::info() const {
  LegInfo info;
  if (state_ == LegState::open) {
    info.state = state_of(fin_sent_, fin_acked_, peer_finished_);
    // Both are under way: whose came first tells the two states apart.
    if (info.state == TcpState::last_ack && closed_first_) info.state = TcpState::closing;
  } else if (state_ == LegState::time_wait) {
    info.state = TcpState::time_wait;
  }
  info.timer = static_cast<PendingTimer>(timer_);
  info.timer_at = timer_at_;
  info.send_shift = send_shift_;
  info.receive_shift = receive_shift_;
  info.timestamps = timestamps_;
  info.in_recovery = flight_.in_recovery();
  info.ecn = ecn_;
  info.path_lowered = path_mtu_.is_lowered();
  info.congestion_echoes = flight_.congestion_echoes();
  info.network_errors = network_errors_;
  info.mss = mss_;
  info.receive_mss = receive_mss_;
  info.backoff = flight_.backoff();
  info.congestion_window_bytes = flight_.congestion().window_bytes();
  info.slow_start_threshold_bytes = flight_.congestion().threshold_bytes();
  info.in_flight_bytes = state_ == LegState::closed ? 0 : in_flight_bytes();
  info.unacked_segments = static_cast<std::uint32_t>(in_flight_.segments());
  info.unsent_bytes = static_cast<std::uint32_t>(unsent_.length_bytes());
  info.send_window_bytes = send_window_;
  info.receive_window_bytes = distance(receive_next_, receive_edge_);
  info.readable_bytes = static_cast<std::uint32_t>(receive_.length_bytes());
  info.out_of_order_bytes = static_cast<std::uint32_t>(reassembly_.length_bytes());
  info.out_of_order_runs = static_cast<std::uint32_t>(reassembly_.runs());
  info.smoothed_rtt_ns = flight_.rtt().smoothed();
  info.rtt_variance_ns = flight_.rtt().variance();
  info.retransmission_timeout_ns = flight_.rto();
  return info;
}

}  // namespace sluice::tcp
