// Proportional rate reduction (RFC 6937, as its revision has it): during recovery as many bytes leave as were
// delivered, scaled so that the flight is the new threshold when recovery ends.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::tcp {

class Prr {
 public:
  // `flight`: bytes that may yet be delivered in this recovery, those of the ACK that began it included.
  void begin(std::uint32_t flight) {
    delivered_ = sent_ = 0;
    flight_ = std::max(flight, 1u);
  }
  void on_sent(std::uint32_t bytes) { sent_ += bytes; }
  // The window after an ACK that delivered something. `safe`: it advanced, and showed no further loss.
  [[nodiscard]] std::uint32_t window(std::uint32_t delivered, std::uint32_t pipe, std::uint32_t threshold,
                                     std::uint32_t mss, bool safe) {
    delivered_ += delivered;
    std::uint64_t room = 0;
    if (pipe > threshold) {
      const std::uint64_t due = (std::uint64_t{delivered_} * threshold + flight_ - 1) / flight_;
      room = due > sent_ ? due - sent_ : 0;
    } else {
      room = std::max(delivered_ > sent_ ? delivered_ - sent_ : 0, delivered) + (safe ? mss : 0);
      room = std::min<std::uint64_t>(room, threshold - pipe);
    }
    if (sent_ == 0) room = std::max<std::uint64_t>(room, mss);  // the first retransmission leaves at once
    return pipe + static_cast<std::uint32_t>(std::min<std::uint64_t>(room, 1u << 30));
  }

 private:
  std::uint32_t delivered_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t flight_ = 1;
};

}  // namespace sluice::tcp
