// How much may be in flight. Slow start, what a loss does to the window, idling and undoing are common; how the
// window grows in congestion avoidance and how far a loss lowers it is the algorithm's. Which bytes are lost,
// and how the window goes down during recovery, is decided in flight.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <variant>

#include "common/time.h"
#include "dataplane/tcp/cubic.h"
#include "dataplane/tcp/hystart.h"
#include "dataplane/tcp/new_reno.h"

namespace sluice::tcp {

enum class CongestionControl : std::uint8_t { new_reno, cubic };

class Congestion {
 public:
  static constexpr std::uint32_t kLargestWindow = 1u << 30;  // no TCP window is larger (RFC 7323 section 2.3)

  Congestion(CongestionControl control, std::uint16_t mss);

  [[nodiscard]] std::uint32_t window_bytes() const { return window_; }
  [[nodiscard]] std::uint32_t threshold_bytes() const { return threshold_; }

  // Bytes that left when the window was full were acknowledged, outside recovery. `rtt` is the smoothed one.
  void on_acknowledged(std::uint32_t bytes, TimeNs now, DurationNs rtt) {
    if (window_ < threshold_ && bytes <= threshold_ - window_) {
      window_ = std::min(window_ + std::min(hystart_.growth(bytes), kLargestWindow), kLargestWindow);  // slow start
    } else {
      avoid_congestion(bytes, now, rtt);
    }
  }
  [[nodiscard]] bool in_slow_start() const { return window_ < threshold_; }
  // Before any loss, with every ACK that is up to date (HyStart).
  [[nodiscard]] bool in_first_slow_start() const { return threshold_ == kLargestWindow; }
  void on_round_trip(std::uint32_t ack, std::uint32_t send_max, DurationNs rtt) {
    if (hystart_.on_acknowledged(ack, send_max, rtt)) end_slow_start();
  }
  // A loss, found with `in_flight` outstanding: the threshold goes down. During recovery set_window() follows it.
  void on_loss(std::uint32_t in_flight, TimeNs now);
  void resume(std::uint32_t window, std::uint32_t threshold) {
    window_ = window;
    threshold_ = threshold;
  }
  void set_window(std::uint32_t bytes) { window_ = bytes; }
  void on_recovered() { window_ = threshold_; }
  // The window is one segment. `first`: no timeout or loss has lowered the threshold for this flight yet.
  void on_timeout(std::uint32_t in_flight, bool first, TimeNs now);
  // The last loss or timeout was none.
  void undo();
  // The window stays as it is, in bytes.
  void set_mss(std::uint16_t mss) { mss_ = mss; }
  // Nothing was sent for so long: halved for each timeout that passed (RFC 2861), to the initial window at most.
  void on_idle(DurationNs idle, DurationNs timeout);

 private:
  [[nodiscard]] std::uint32_t initial_window() const;
  void end_slow_start() {
    threshold_ = window_;
    hystart_ = {};
  }
  void avoid_congestion(std::uint32_t bytes, TimeNs now, DurationNs rtt);

  std::uint32_t mss_;
  std::uint32_t window_;
  std::uint32_t threshold_ = kLargestWindow;
  std::uint32_t window_before_ = 0;  // the last loss
  std::uint32_t threshold_before_ = 0;
  HyStart hystart_;
  std::variant<Cubic, NewReno> algorithm_;
};

}  // namespace sluice::tcp
