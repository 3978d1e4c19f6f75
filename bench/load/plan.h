// What is asked for and when: a mix of body sizes, and arrivals by time. Both come from a seed.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace sluice::bench {

struct MixPart {
  std::size_t bytes = 0;
  std::uint32_t weight = 0;
};

// "1k:80,64k:18,1m:2": sizes up to 64m with their weights; a single size needs none.
Result<std::vector<MixPart>> parse_mix(std::string_view text);

class MixChoice {
 public:
  MixChoice(const std::vector<MixPart>& mix, std::uint64_t seed);
  std::size_t next();  // index into the mix

 private:
  std::mt19937_64 random_;
  std::discrete_distribution<std::size_t> choice_;
};

// Moments of an open loop. A moment does not depend on how long anything took, so that a stall delays no arrival.
class Arrivals {
 public:
  Arrivals(double per_second, bool poisson, TimeNs start, std::uint64_t seed);
  [[nodiscard]] TimeNs next() const { return next_; }
  void advance();

 private:
  double gap_ns_;
  bool poisson_;
  double at_ns_ = 0;  // since start; a double keeps what integer gaps would round away
  TimeNs start_;
  TimeNs next_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> exponential_;
};

}  // namespace sluice::bench
