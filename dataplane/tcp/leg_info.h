// What a leg tells of itself to people: values as of one moment, copied out. Nothing decides by them.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

// RFC 9293 section 3.3.2, as the side that Sluice plays.
enum class TcpState : std::uint8_t {
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
  closed,
};

// While the connection is open.
TcpState state_of(bool fin_sent, bool fin_acked, bool peer_finished);

enum class PendingTimer : std::uint8_t { none, retransmit, persist, time_wait };

struct LegInfo {
  TcpState state = TcpState::closed;
  PendingTimer timer = PendingTimer::none;
  std::uint8_t send_shift = 0;     // scale of the peer's windows
  std::uint8_t receive_shift = 0;  // of ours
  bool timestamps = false;
  bool in_recovery = false;
  bool ecn = false;
  bool path_lowered = false;      // mss is what a path takes, and less than what the handshake said
  std::uint16_t mss = 0;          // payload of one segment that we send
  std::uint16_t receive_mss = 0;  // largest that the peer sends
  std::uint32_t backoff = 0;      // timeouts in a row
  std::uint32_t congestion_window_bytes = 0;
  std::uint32_t slow_start_threshold_bytes = 0;
  std::uint32_t in_flight_bytes = 0;       // sent and not acknowledged
  std::uint32_t unacked_segments = 0;      // mbufs that these lie in
  std::uint32_t unsent_bytes = 0;          // wait for a window
  std::uint32_t send_window_bytes = 0;     // the peer's, scaled
  std::uint32_t receive_window_bytes = 0;  // ours
  std::uint32_t readable_bytes = 0;        // received and not yet read
  std::uint32_t out_of_order_bytes = 0;    // wait for a hole to be filled
  std::uint32_t out_of_order_runs = 0;
  std::uint32_t congestion_echoes = 0;  // the peer told of marks, and the window went down
  std::uint32_t network_errors = 0;     // the network told of segments that it did not deliver
  DurationNs smoothed_rtt_ns = 0;       // 0: no sample yet
  DurationNs rtt_variance_ns = 0;
  DurationNs retransmission_timeout_ns = 0;
  TimeNs timer_at = kNever;

  bool operator==(const LegInfo&) const = default;
};

}  // namespace sluice::tcp
