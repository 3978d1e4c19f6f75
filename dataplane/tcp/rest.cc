// See rest.h.
#include "dataplane/tcp/rest.h"

#include "dataplane/tcp/leg.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

LegRest Leg::rest() const {
  return {.setup = {.send_next = send_max_,
                    .receive_next = receive_next_,
                    .mss = static_cast<std::uint16_t>(mss_ + option_bytes()),
                    .receive_mss = receive_mss_,
                    .send_shift = send_shift_,
                    .receive_shift = receive_shift_,
                    .send_window = send_window_,
                    .receive_window = distance(receive_next_, receive_edge_),
                    .sack = sack_,
                    .timestamps = timestamps_,
                    .ecn = ecn_,
                    .ts_recent = ts_recent_,
                    .ts_value = ts_value_},
          .path = flight_.memory(),
          .path_mtu = path_mtu_,
          .sent_at = sent_at_,
          .ts_recent_at = ts_recent_at_,
          .largest_send_window = largest_send_window_,
          .largest_receive_window = largest_receive_window_,
          .window_bytes = tuning_.bytes(),
          .network_errors = network_errors_,
          .echo_congestion = echo_congestion_,
          .reduced = reduced_,
          .challenged_at = challenged_at_,
          .over = state_ != LegState::open,
          .closes_at = state_ == LegState::time_wait ? timer_at_ : kNever,
          .closed_by = closed_by_};
}

bool LegRest::may_begin_anew(const wire::Frame& syn) const {
  if (closes_at == kNever) return over;
  const bool is_later = after(syn.seq, setup.receive_next);
  if (!syn.options.has_timestamps) return is_later;
  if (!setup.timestamps) return true;
  return syn.options.ts_value == setup.ts_recent ? is_later : after(syn.options.ts_value, setup.ts_recent);
}

// Over: all that is due is the end of TIME_WAIT.
bool Leg::is_settled() const {
  return state_ != LegState::open && !ack_due_ && next_deadline() == timer_at_;
}

Leg::Leg(const LegRest& rest, const LegLimits& limits, buffer::Pools& pools, TimeNs now)
    : Leg(rest.setup, limits, pools, now) {
  largest_send_window_ = rest.largest_send_window;
  largest_receive_window_ = rest.largest_receive_window;
  tuning_ = ReceiveTuning(rest.window_bytes, receive_next_, receive_edge_, now);
  sent_at_ = rest.sent_at;
  path_mtu_ = rest.path_mtu;
  ts_recent_at_ = rest.ts_recent_at;
  flight_.recall(rest.path);
  network_errors_ = rest.network_errors;
  echo_congestion_ = rest.echo_congestion;
  reduced_ = rest.reduced;
  challenged_at_ = rest.challenged_at;
  if (!rest.over) return;
  closed_by_ = rest.closed_by;
  state_ = rest.closes_at == kNever ? LegState::closed : LegState::time_wait;
  timer_ = state_ == LegState::time_wait ? Timer::time_wait : Timer::none;
  timer_at_ = rest.closes_at;
  fin_queued_ = fin_sent_ = fin_acked_ = true;
  peer_fin_seen_ = peer_finished_ = true;
  peer_fin_seq_ = receive_next_ - 1;
}

}  // namespace sluice::tcp
