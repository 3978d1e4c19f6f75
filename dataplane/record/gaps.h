// What best_effort left out and no Gap record says yet. Bounded: when there are more sessions with a gap
// than places, the gaps of a service and class are counted together (session 0), and then all of the rest.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/unit.h"

namespace sluice::record {

struct PendingGap {
  SessionId session = 0;
  std::string service;
  std::string record_class;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

class PendingGaps {
 public:
  static constexpr std::size_t kMaxGaps = 64;

  void add(SessionId session, std::string_view service, std::string_view record_class, std::uint64_t bytes);
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const PendingGap& last() const { return gaps_[size_ - 1]; }
  void drop_last() { --size_; }

 private:
  PendingGap& place_for(SessionId session, std::string_view service, std::string_view record_class);
  std::array<PendingGap, kMaxGaps> gaps_;
  std::size_t size_ = 0;
};

}  // namespace sluice::record
