// What every algorithm shares.
#include "dataplane/tcp/congestion.h"

#include <algorithm>

namespace sluice::tcp {

Congestion::Congestion(CongestionControl control, std::uint16_t mss) : mss_(mss), window_(0) {
  window_ = initial_window();
  if (control == CongestionControl::new_reno) algorithm_ = NewReno();
}

// RFC 6928.
std::uint32_t Congestion::initial_window() const {
  return std::min(10 * mss_, std::max(2 * mss_, std::uint32_t{14600}));
}

void Congestion::avoid_congestion(std::uint32_t bytes, TimeNs now, DurationNs rtt) {
  std::uint32_t growth = window_ < threshold_ ? threshold_ - window_ : 0;  // the last of slow start
  bytes -= growth;
  growth += std::visit([&](auto& algorithm) { return algorithm.grow(bytes, window_, mss_, now, rtt); }, algorithm_);
  window_ = std::min(window_ + std::min(growth, kLargestWindow), kLargestWindow);
}

void Congestion::on_loss(std::uint32_t in_flight, TimeNs now) {
  window_before_ = window_;
  threshold_before_ = threshold_;
  hystart_ = {};
  const std::uint32_t used = std::min(window_, std::max(in_flight, mss_));
  threshold_ = std::visit([&](auto& algorithm) { return algorithm.lower(used, mss_, now); }, algorithm_);
  threshold_ = std::max(threshold_, 2 * mss_);
}

void Congestion::on_timeout(std::uint32_t in_flight, bool first, TimeNs now) {
  if (first) on_loss(in_flight, now);
  window_ = mss_;
}

void Congestion::undo() {
  window_ = std::max(window_, window_before_);
  threshold_ = std::max(threshold_, threshold_before_);
  std::visit([](auto& algorithm) { algorithm.undo(); }, algorithm_);
}

void Congestion::on_idle(DurationNs idle, DurationNs timeout) {
  const std::uint32_t least = std::min(window_, initial_window());
  std::visit([idle](auto& algorithm) { algorithm.on_idle(idle); }, algorithm_);
  for (; idle > timeout && window_ > least; idle -= timeout) window_ = std::max(window_ / 2, least);
}

}  // namespace sluice::tcp
