// How a leg begins.
#pragma once

#include <cstdint>

namespace sluice::tcp {

// What the relayed handshake agreed on, seen from this leg.
struct LegSetup {
  std::uint32_t send_next = 0;       // first sequence number we send (peer's view of our ISN + 1)
  std::uint32_t receive_next = 0;    // first sequence number we expect
  std::uint16_t mss = 536;           // the peer's MSS option; options that we send are taken off it (RFC 6691)
  std::uint16_t receive_mss = 536;   // largest the peer sends us (what we told it)
  std::uint8_t send_shift = 0;       // scale of windows that the peer advertises
  std::uint8_t receive_shift = 0;    // scale of windows that we advertise
  std::uint32_t send_window = 0;     // peer's first window, scaled
  std::uint32_t receive_window = 0;  // the window that the relayed handshake already promised, scaled
  bool sack = false;                 // both ends permitted selective acknowledgements
  bool timestamps = false;
  bool ecn = false;                        // explicit congestion notification (RFC 3168)
  std::uint32_t ts_recent = 0;             // peer's last TSval
  std::uint32_t ts_value = 0;              // first TSval we send: the last seen from whom we stand for
  std::uint32_t burst_bytes = 0xffffffff;  // at most LegLimits' (one mss where the port does not cut segments)
};

}  // namespace sluice::tcp
