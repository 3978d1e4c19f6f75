// A live session as people see it: values as of one moment, copied out between two bursts. No payload, no heads.
#pragma once

#include <cstdint>

#include "common/unit.h"
#include "dataplane/session/flow_key.h"
#include "dataplane/tcp/leg_info.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::session {

inline constexpr std::size_t kFlowNameBytes = 64;  // with the terminating zero; a longer name is cut

enum class FlowPhase : std::uint8_t { handshake, established, lingering, done };

// How much of a session goes through Sluice's own TCP, from all of it down to nothing.
enum class Handling : std::uint8_t {
  terminated,  // two legs
  spliced,     // the peers' own segments, under other numbers
  forwarded,   // the peers' own segments, as they are
};

enum class UnitPhase : std::uint8_t {
  none,      // before the first unit, or nothing is under way
  request,   // one is being read
  waiting,   // for the server's answer
  response,  // one is being read
};

// What crossed a leg, counted where its frames come in and go out.
struct LegCounts {
  std::uint32_t sent_begin = 0;  // initial sequence numbers: ours, as the peer knows us, and the peer's
  std::uint32_t received_begin = 0;
  std::uint64_t sent_bytes = 0;        // to the peer, without retransmissions
  std::uint32_t sent_through = 0;      // end of what was ever sent
  std::uint32_t received_through = 0;  // end of the segment that came last
  std::uint32_t retransmissions = 0;   // segments with bytes that were sent before
  std::uint32_t out_of_order = 0;      // segments with payload that did not begin where the one before them ended

  // True when some of it was sent before.
  bool sent(std::uint32_t seq, std::uint32_t bytes) {
    if (bytes == 0) return false;
    const bool again = tcp::before(seq, sent_through);
    if (again) ++retransmissions;
    const std::uint32_t fresh = tcp::distance(sent_through, seq + bytes);
    sent_bytes += fresh;
    sent_through += fresh;
    return again;
  }
  void received(std::uint32_t seq, std::uint32_t bytes) {
    if (bytes == 0) return;
    if (seq != received_through) ++out_of_order;
    received_through = seq + bytes;
  }
};

struct FlowLeg {
  tcp::LegInfo tcp;
  LegCounts counts;
  std::uint64_t received_bytes = 0;  // from the peer, in order and read
};

struct FlowInfo {
  SessionId session = 0;
  FlowKey key;
  FlowPhase phase = FlowPhase::handshake;
  Handling handling = Handling::terminated;
  UnitPhase unit_phase = UnitPhase::none;
  bool at_rest = false;       // nothing was under way for a while: only what is needed to go on is kept
  bool stalled = false;       // waits for the recorder, or for a buffer
  std::uint8_t protocol = 0;  // enforce::Protocol
  std::uint8_t mode = 0;      // enforce::Mode
  std::uint32_t units = 0;
  std::uint32_t pending_units = 0;  // without a complete response
  std::uint64_t held_request_bytes = 0;
  std::uint64_t held_response_bytes = 0;
  DurationNs age_ns = 0;
  DurationNs idle_ns = 0;
  FlowLeg client;
  FlowLeg server;
  char service[kFlowNameBytes] = {};
  char principal[kFlowNameBytes] = {};
};

}  // namespace sluice::session
