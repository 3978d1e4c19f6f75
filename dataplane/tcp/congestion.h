// How much may be in flight: the interface that a congestion control fills, and NewReno.
// Loss detection and recovery points are the leg's; an algorithm only keeps the window.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

class Congestion {
 public:
  virtual ~Congestion() = default;
  [[nodiscard]] virtual std::uint32_t window_bytes() const = 0;

  // New bytes were acknowledged outside recovery while the window was what limited us.
  virtual void on_acknowledged(std::uint32_t bytes, TimeNs now) = 0;
  // Recovery: entered on a loss with `in_flight` outstanding, fed by each further duplicate ACK
  // and each partial ACK, left when all that was outstanding at its start is acknowledged.
  virtual void on_loss(std::uint32_t in_flight, TimeNs now) = 0;
  virtual void on_duplicate() = 0;
  virtual void on_partial(std::uint32_t bytes) = 0;
  virtual void on_recovered(std::uint32_t in_flight) = 0;
  // `repeated`: the same segment timed out before.
  virtual void on_timeout(std::uint32_t in_flight, bool repeated, TimeNs now) = 0;
  // Nothing was sent for longer than the retransmission timeout (RFC 5681 section 4.1).
  virtual void on_idle() = 0;
};

// RFC 5681 and RFC 6582, counting bytes (RFC 3465 without its limit, as peers' ACKs cover whole
// superframes), with the initial window of RFC 6928.
class NewReno final : public Congestion {
 public:
  explicit NewReno(std::uint16_t mss);
  [[nodiscard]] std::uint32_t window_bytes() const override { return window_; }
  void on_acknowledged(std::uint32_t bytes, TimeNs now) override;
  void on_loss(std::uint32_t in_flight, TimeNs now) override;
  void on_duplicate() override;
  void on_partial(std::uint32_t bytes) override;
  void on_recovered(std::uint32_t in_flight) override;
  void on_timeout(std::uint32_t in_flight, bool repeated, TimeNs now) override;
  void on_idle() override;
  [[nodiscard]] std::uint32_t threshold_bytes() const { return threshold_; }

 private:
  [[nodiscard]] std::uint32_t initial_window() const;
  void grow(std::uint32_t bytes);
  void lower_threshold(std::uint32_t in_flight);

  std::uint32_t mss_;
  std::uint32_t window_;
  std::uint32_t threshold_;
  std::uint32_t acknowledged_ = 0;  // towards the next mss in congestion avoidance
};

}  // namespace sluice::tcp
