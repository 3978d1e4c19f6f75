// The arithmetic of RFC 9438 sections 4.2 to 4.7, in bytes and seconds.
#include "dataplane/tcp/cubic.h"

#include <algorithm>
#include <cmath>

namespace sluice::tcp {
namespace {

constexpr float kScale = 0.4F;                           // C, in segments per cubic second
constexpr float kBeta = 0.7F;                            // what a loss leaves
constexpr float kAlpha = 3 * (1 - kBeta) / (1 + kBeta);  // Reno's growth that goes with it
constexpr float kMostGrowth = 0.5F;                      // of the window, in a round trip

float seconds(DurationNs duration) {
  return static_cast<float>(duration) / static_cast<float>(kSecond);
}

}  // namespace

void Cubic::begin(std::uint32_t window, std::uint32_t mss, TimeNs now) {
  const auto here = static_cast<float>(window);
  epoch_.begun = true;
  epoch_.began_at = now;
  epoch_.reno = here;
  epoch_.top = std::max(epoch_.top, here);
  epoch_.rise_s = std::cbrt((epoch_.top - here) / static_cast<float>(mss) / kScale);
}

std::uint32_t Cubic::grow(std::uint32_t bytes, std::uint32_t window, std::uint32_t mss, TimeNs now, DurationNs rtt) {
  if (!epoch_.begun) begin(window, mss, now);
  const auto here = static_cast<float>(window);
  const float share = static_cast<float>(bytes) / here;  // of a round trip
  const float from_top = seconds(now - epoch_.began_at + rtt) - epoch_.rise_s;
  const float cubic = epoch_.top + kScale * from_top * from_top * from_top * static_cast<float>(mss);
  epoch_.reno += (epoch_.reno < epoch_.before ? kAlpha : 1.0F) * share * static_cast<float>(mss);
  const float target = std::clamp(cubic, here, here * (1 + kMostGrowth));
  fraction_ += std::max((target - here) * share, epoch_.reno > cubic ? epoch_.reno - here : 0.0F);
  if (fraction_ < 1) return 0;
  const float whole = std::min(fraction_, here);
  fraction_ = 0;
  return static_cast<std::uint32_t>(whole);
}

std::uint32_t Cubic::lower(std::uint32_t window, std::uint32_t, TimeNs) {
  before_ = epoch_;
  const auto here = static_cast<float>(window);
  // Fast convergence: a flow that did not come back to where it was leaves room for another.
  epoch_.top = here < epoch_.top ? here * (1 + kBeta) / 2 : here;
  epoch_.before = here;
  epoch_.begun = false;
  fraction_ = 0;
  return static_cast<std::uint32_t>(here * kBeta);
}

void Cubic::on_idle(DurationNs idle) {
  if (epoch_.begun) epoch_.began_at += idle;
}

}  // namespace sluice::tcp
