// How large the receive window of one leg is: twice of what goes through in a round trip, so that a peer that doubles
// its rate each round trip, as in slow start, never waits for us; and no larger than that, because whatever is offered
// may come and has to lie somewhere. (Hosts call it dynamic right-sizing.)
//
// A round begins with a window and ends when a byte from beyond it has come, was read and went on. That byte cannot
// have left before an offer of after the beginning, so no round is shorter than the loop's round trip, and the shortest
// one is taken for it. Who sends less than the window per round trip only makes rounds longer, and the window stays.
// That a path became longer is learned from what we send to the peer, as far as we do.
// Pure: sequence numbers and time come in.
#pragma once

#include <cstdint>

#include "common/time.h"
#include "dataplane/tcp/sequence.h"

namespace sluice::tcp {

class ReceiveTuning {
 public:
  // Begins with a window of `bytes`, of which all up to `edge` was offered and nothing has come.
  ReceiveTuning(std::uint32_t bytes, std::uint32_t gone, std::uint32_t edge, TimeNs now)
      : began_at_(now), bytes_(bytes), from_(gone), edge_(edge) {}

  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
  // `gone`: before it all was read and went on.
  [[nodiscard]] bool is_round_over(std::uint32_t gone) const { return after(gone, edge_); }
  // Then: the next begins, in which all up to `edge` was offered. At most `most` bytes, whatever went through.
  // `round_trip`: to the peer and back, by what was sent to it; 0 when not known.
  void end_round(std::uint32_t gone, std::uint32_t edge, std::uint32_t most, DurationNs round_trip, TimeNs now);

 private:
  TimeNs began_at_;
  std::uint32_t bytes_;
  std::uint32_t from_;
  std::uint32_t edge_;
  std::uint32_t shortest_ns_ = 0xffffffff;  // of all rounds
};

}  // namespace sluice::tcp
