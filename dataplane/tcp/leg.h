// One leg: a TCP connection between Sluice and one peer, from its establishment to its end.
// Pure: time comes in as `now`, segments come in by input() and go out by output(); no clock, no
// I/O, no lock. The handshake is relayed (session/), so a leg begins established.
// Sequence space, options and timestamps are those of the far peer that this leg stands for.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/error.h"
#include "common/time.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/tcp/segment.h"

namespace sluice::tcp {

// What the relayed handshake agreed on, seen from this leg.
struct LegSetup {
  std::uint32_t send_next = 0;       // first sequence number we send (peer's view of our ISN + 1)
  std::uint32_t receive_next = 0;    // first sequence number we expect
  std::uint16_t mss = 536;           // largest payload we may send the peer, options not counted
  std::uint16_t receive_mss = 536;   // largest the peer sends us (what we told it)
  std::uint8_t send_shift = 0;       // scale of windows that the peer advertises
  std::uint8_t receive_shift = 0;    // scale of windows that we advertise
  std::uint32_t send_window = 0;     // peer's first window, scaled
  std::uint32_t receive_window = 0;  // the window that the relayed handshake already promised, scaled
  bool timestamps = false;
  std::uint32_t ts_recent = 0;  // peer's last TSval
  std::uint32_t ts_value = 0;   // first TSval we send: the last seen from whom we stand for
};

struct LegLimits {
  std::uint32_t receive_bytes = 1u << 20;  // unread, held and queued on the other leg, together
  std::uint32_t send_bytes = 1u << 20;     // accepted by write() and not yet acknowledged
  std::uint32_t pinned_bytes = 4u << 20;   // memory really pinned by the receive queues
  std::uint32_t out_of_order_segments = 512;
  std::uint32_t burst_bytes = 65536 - 128;   // largest payload of one SegmentOut (one mss without TSO)
  DurationNs give_up_after = 120 * kSecond;  // without progress on retransmission or zero-window probes
};

enum class LegState : std::uint8_t {
  open,       // neither side has finished
  time_wait,  // both finished, we closed first
  closed,     // gone; `closed_by()` says why
};

class Leg {
 public:
  Leg(const LegSetup& setup, const LegLimits& limits, buffer::Pools& pools, TimeNs now);
  ~Leg();
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  // A segment of this connection whose checksum is right. Takes the payload.
  // Returns ok, or why (part of) it was not taken; that is counted, never fatal.
  ErrorCode input(SegmentIn&& segment, TimeNs now);

  // --- bytes from the peer, in order
  [[nodiscard]] std::size_t readable_bytes() const;
  // Moves up to `limit` bytes to the end of `out`; false when no view mbuf is free (try again).
  [[nodiscard]] bool read(std::size_t limit, buffer::Chain& out);
  // The peer sent FIN and all bytes before it were read.
  [[nodiscard]] bool read_finished() const;
  // Bytes that were read here and still wait further down; the receive window shrinks by them.
  void set_downstream_bytes(std::size_t bytes);

  // --- bytes to the peer
  [[nodiscard]] std::size_t write_room_bytes() const;      // send_bytes minus what is queued
  [[nodiscard]] std::size_t unacknowledged_bytes() const;  // queued or in flight
  void write(buffer::Chain&& bytes);                       // may exceed the room; the room is advice
  void finish();                                           // FIN after everything written
  [[nodiscard]] bool finished() const;                     // our FIN was acknowledged
  void abort(ErrorCode why);                               // RST with the next output(); then closed

  // The TSval that this leg stamps from now on (mirrored from the other peer).
  void set_ts_value(std::uint32_t ts_value);

  // Emits whatever is due: data, ACKs, retransmissions, probes, FIN, RST.
  void output(TimeNs now, SegmentSink& sink);
  // When output() must be called although nothing came in; kNever for not at all.
  [[nodiscard]] TimeNs next_deadline() const;
  // Handles what is due at `now` (retransmission timer and so on); output() emits the result.
  void on_timer(TimeNs now);

  [[nodiscard]] LegState state() const;
  [[nodiscard]] ErrorCode closed_by() const;  // ok for an orderly end
  [[nodiscard]] std::size_t pinned_bytes() const;

 private:
  struct Impl;  // replaced by real members; see leg.cc, input.cc, output.cc, timers.cc
};

}  // namespace sluice::tcp
