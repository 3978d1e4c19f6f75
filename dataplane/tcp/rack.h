// Loss detection by time (RFC 8985 section 6.2): what was sent well before something that has been delivered is
// lost. How much before is the reordering window, which adapts to the path: nothing while no reordering was
// seen, else a quarter of the shortest round trip, more while the peer reports repeated bytes (D-SACK).
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/time.h"
#include "dataplane/tcp/scoreboard.h"

namespace sluice::tcp {

class Rack {
 public:
  explicit Rack(std::uint32_t send_next) : forward_ack_(send_next), dsack_round_(send_next) {}

  // Each piece that an ACK newly delivers.
  void on_delivered(const Sent& piece, TimeNs now) {
    const DurationNs rtt = now - piece.sent_at;
    if (piece.retransmitted) {
      if (rtt < shortest_rtt_) return;  // it was the first copy that arrived
    } else {
      if (rtt <= shortest_rtt_ || now >= shortest_until_) {
        shortest_rtt_ = rtt;
        shortest_until_ = now + kShortestFor;
      }
      if (before(piece.end, forward_ack_)) reordering_seen_ = true;
    }
    if (after(piece.end, forward_ack_)) forward_ack_ = piece.end;
    if (piece.sent_at > sent_at_ || (piece.sent_at == sent_at_ && after(piece.end, end_))) {
      sent_at_ = piece.sent_at;
      end_ = piece.end;
      rtt_ = rtt;
    }
  }
  // Repeated bytes were reported: a retransmission was needless. Counts once a round trip.
  void on_dsack(std::uint32_t unacked, std::uint32_t send_next) {
    if (multiplier_ > 1 && before(unacked, dsack_round_)) return;
    dsack_round_ = send_next;
    multiplier_ = static_cast<std::uint8_t>(std::min(multiplier_ + 1, 255));
    persists_ = kPersists;
  }
  void on_recovered() {
    if (persists_ > 0 && --persists_ == 0) multiplier_ = 1;
  }

  // `impatient`: in recovery, or three segments were delivered out of order.
  [[nodiscard]] DurationNs window(DurationNs smoothed_rtt, bool impatient) const {
    if (!reordering_seen_ && multiplier_ == 1 && impatient) return 0;
    const DurationNs shortest = shortest_rtt_ == kNever ? 0 : shortest_rtt_;
    return std::min(multiplier_ * (shortest / 4), smoothed_rtt);
  }
  // When a flying record counts as lost; kNever where it left after all that was delivered.
  [[nodiscard]] TimeNs lost_at(const Sent& record, DurationNs window) const {
    const bool earlier = record.sent_at < sent_at_ || (record.sent_at == sent_at_ && before(record.end, end_));
    return earlier ? record.sent_at + rtt_ + window : kNever;
  }
  // What time says nothing about any more: a timeout took all for lost.
  [[nodiscard]] DurationNs shortest_rtt() const { return shortest_rtt_; }

 private:
  static constexpr DurationNs kShortestFor = 30 * kSecond;  // a path may grow longer
  static constexpr std::uint8_t kPersists = 16;             // recoveries

  TimeNs sent_at_ = 0;  // of what was sent last among the delivered
  std::uint32_t end_ = 0;
  std::uint32_t forward_ack_;
  DurationNs rtt_ = 0;
  DurationNs shortest_rtt_ = kNever;
  TimeNs shortest_until_ = 0;
  std::uint32_t dsack_round_;
  std::uint8_t multiplier_ = 1;
  std::uint8_t persists_ = 0;
  bool reordering_seen_ = false;
};

}  // namespace sluice::tcp
