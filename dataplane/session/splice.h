// Two connections joined into one: what both peers send passes between them under other numbers, a constant distance
// apart ("spliced"), or, where there is no distance, as it is ("forwarded"). Nothing is kept, acknowledged or sent
// again here; what gets lost is between the peers. Knows headers only. Sans-I/O: frames and time come in, frames are
// changed in place. Invariants: both legs were quiet at the seam, so all that lies before it was delivered and
// acknowledged, whatever its length was on the other side: the distance is constant from there on. Bytes from before
// the seam never pass again: a peer that repeats them (our ACK was lost) repeats what it sent, not what Sluice let
// through; they are made zeros, which their receiver has the place of already and answers with its ACK.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <optional>

#include "common/unit.h"
#include "dataplane/session/flow_info.h"
#include "dataplane/tcp/seam.h"
#include "dataplane/tcp/sequence.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/renumber.h"

namespace sluice::session {

class Splice {
 public:
  // What became of the connection, as far as its segments tell.
  enum class State : std::uint8_t {
    open,
    finished,  // both streams ended and both ends are acknowledged
    reset_by_client,
    reset_by_server,
  };
  // What is to be done with a segment.
  struct Passage {
    bool passes = false;      // it may go on, after carry(); else its sender is to be answered
    bool repeats = false;     // it begins before the seam
    bool ends = false;        // with it the state changed
    std::uint32_t fresh = 0;  // bytes of its stream that were not seen before
  };

  // A receiver may announce any. Below this, headers would be most of what it gets, as in tcp::Leg.
  static constexpr std::uint16_t kSmallestMss = 48 + 40;  // with all options

  Splice(const tcp::Seam& client, const tcp::Seam& server);

  // Reads a segment whose checksum is right.
  Passage note(Direction direction, const wire::Frame& frame);
  // Makes the frame what its receiver is to get, ready for any port. False when its metadata contradict it.
  [[nodiscard]] bool carry(Direction direction, const wire::Frame& frame, rte_mbuf* packet) const;
  // What an empty segment of our own to the receiver of this direction says: an ACK, or a RST.
  struct Numbers {
    std::uint32_t seq = 0;
    std::uint32_t expected_seq = 0;  // what the receiver said it waits for: the sequence number of a RST
    std::uint32_t ack = 0;
    std::uint16_t window = 0;
  };
  [[nodiscard]] Numbers numbers(Direction direction) const;
  // In the numbers of its receiver.
  [[nodiscard]] std::uint32_t translated_seq(Direction direction, std::uint32_t seq) const {
    return seq + way(direction).renumbering.seq;
  }

  // The number that the sender knows what its receiver's side calls `seq` by; nothing where that is not in flight.
  [[nodiscard]] std::optional<std::uint32_t> in_flight(Direction direction, std::uint32_t seq) const;

  // An answer of our own may go out now: not for each segment that lies (RFC 5961 section 7).
  [[nodiscard]] bool may_answer(TimeNs now);

  [[nodiscard]] State state() const { return state_; }
  // Nothing is changed in what passes.
  [[nodiscard]] bool is_plain() const { return is_plain_; }
  // For people: the connection toward the peer that sends in `direction`.
  [[nodiscard]] tcp::LegInfo info(Direction direction) const;

 private:
  // One direction; numbers as its sender has them.
  struct Way {
    wire::Renumbering renumbering;
    std::uint32_t begin = 0;    // the seam
    std::uint32_t next = 0;     // end of what was seen
    std::uint32_t acked = 0;    // by its receiver
    std::uint32_t edge = 0;     // how far its receiver's windows let it
    std::uint32_t fin_end = 0;  // behind the FIN, once seen
    bool fin_seen = false;
    bool near_seam = true;          // a sequence number may still mean one before the seam
    std::uint8_t shift = 0;         // of windows that its sender tells
    std::uint16_t mss = 0;          // of its receiver
    std::uint16_t window = 0xffff;  // that its sender told last

    [[nodiscard]] std::uint32_t end() const { return fin_seen ? fin_end : next; }
    [[nodiscard]] bool finished() const { return fin_seen && acked == fin_end; }
    [[nodiscard]] bool repeats(const wire::Frame& frame) const {
      return near_seam && frame.payload_bytes > 0 && tcp::before(frame.seq, begin);
    }
  };

  static Way join(const tcp::Seam& from, const tcp::Seam& to);
  static void note_acknowledgement(Way& acknowledged, Way& by, const wire::Frame& frame);
  static std::uint32_t note_bytes(Way& way, const wire::Frame& frame);
  void note_reset(Direction direction, const wire::Frame& frame);
  [[nodiscard]] const Way& way(Direction direction) const { return ways_[static_cast<std::size_t>(direction)]; }
  Way& way(Direction direction) { return ways_[static_cast<std::size_t>(direction)]; }

  std::array<Way, 2> ways_;  // by Direction
  State state_ = State::open;
  bool is_plain_;
  TimeNs answered_at_ = 0;
};

}  // namespace sluice::session
