// NewReno's window: slow start, congestion avoidance, and its inflation and deflation in recovery.
#include "dataplane/tcp/congestion.h"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kLargestWindow = 1u << 30;  // no TCP window is larger (RFC 7323 section 2.3)

}  // namespace

NewReno::NewReno(std::uint16_t mss) : mss_(mss), window_(0), threshold_(kLargestWindow) {
  window_ = initial_window();
}

std::uint32_t NewReno::initial_window() const {
  return std::min(10 * mss_, std::max(2 * mss_, std::uint32_t{14600}));
}

void NewReno::grow(std::uint32_t bytes) {
  window_ = std::min(window_ + std::min(bytes, kLargestWindow), kLargestWindow);
}

void NewReno::on_acknowledged(std::uint32_t bytes, TimeNs) {
  if (window_ < threshold_) {
    const std::uint32_t in_slow_start = std::min(bytes, threshold_ - window_);
    grow(in_slow_start);
    bytes -= in_slow_start;
  }
  acknowledged_ += std::min(bytes, window_);
  if (acknowledged_ >= window_) {
    acknowledged_ -= window_;
    grow(mss_);
  }
}

void NewReno::lower_threshold(std::uint32_t in_flight) {
  threshold_ = std::max(in_flight / 2, 2 * mss_);
  acknowledged_ = 0;
}

void NewReno::on_loss(std::uint32_t in_flight, TimeNs) {
  lower_threshold(in_flight);
  window_ = threshold_;
  grow(3 * mss_);  // the three duplicates left the network
}

void NewReno::on_duplicate() {
  grow(mss_);
}

void NewReno::on_partial(std::uint32_t bytes) {
  window_ -= std::min(bytes, window_ - mss_);
  if (bytes >= mss_) grow(mss_);
}

void NewReno::on_recovered(std::uint32_t in_flight) {
  window_ = std::min(threshold_, std::max(in_flight, mss_) + mss_);
}

void NewReno::on_timeout(std::uint32_t in_flight, bool repeated, TimeNs) {
  if (!repeated) lower_threshold(in_flight);
  window_ = mss_;
}

void NewReno::on_idle() {
  window_ = std::min(window_, initial_window());
}

}  // namespace sluice::tcp
