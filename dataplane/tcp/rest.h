// What a leg is while nothing of its connection is under way, or all of it is over and it only answers what is still on
// its way: a leg made from it goes on as if there had been no rest.
// Far smaller than the leg; lost is only what a path forgets in a second anyway.
#pragma once

#include <cstdint>

#include "common/error.h"
#include "common/time.h"
#include "dataplane/tcp/path_mtu.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/setup.h"
#include "dataplane/wire/frame.h"

namespace sluice::tcp {

// Of the path to the peer, by what was sent.
struct PathMemory {
  RttEstimator rtt;
  std::uint32_t window_bytes = 0;
  std::uint32_t threshold_bytes = 0;
  std::uint32_t congestion_echoes = 0;
  std::uint8_t backoff = 0;
};

struct LegRest {
  LegSetup setup;  // as if the handshake had ended here
  PathMemory path;
  PathMtu path_mtu;
  TimeNs sent_at = 0;
  TimeNs ts_recent_at = 0;
  std::uint32_t largest_send_window = 0;
  std::uint32_t largest_receive_window = 0;
  std::uint32_t window_bytes = 0;  // that we offer, as the path showed
  std::uint32_t network_errors = 0;
  bool echo_congestion = false;
  bool reduced = false;
  TimeNs challenged_at = 0;   // what came out of the blind was last answered
  bool over = false;          // both streams ended, or it was aborted
  TimeNs closes_at = kNever;  // over: until then in TIME_WAIT; kNever: closed
  ErrorCode closed_by = ErrorCode::ok;

  // This connection is over, and `syn` begins the next one between the same ports: nothing of the old one can be
  // taken for the new one's (RFC 6191).
  [[nodiscard]] bool may_begin_anew(const wire::Frame& syn) const;
};

}  // namespace sluice::tcp
