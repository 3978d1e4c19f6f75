// See receive_tuning.h.
#include "dataplane/tcp/receive_tuning.h"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint64_t kLongest = 0xffffffff;  // 4.3 s; what takes longer is as long

}  // namespace

void ReceiveTuning::end_round(std::uint32_t gone, std::uint32_t edge, std::uint32_t most, DurationNs round_trip,
                              TimeNs now) {
  const std::uint64_t elapsed = std::clamp<std::uint64_t>(now - began_at_, 1, kLongest);
  shortest_ns_ = std::min(shortest_ns_, static_cast<std::uint32_t>(elapsed));
  const std::uint64_t loop = std::max<std::uint64_t>(shortest_ns_, std::min<std::uint64_t>(round_trip, elapsed));
  const std::uint64_t in_round_trip = std::uint64_t{gone - from_} * loop / elapsed;
  bytes_ =
      static_cast<std::uint32_t>(std::min(std::max<std::uint64_t>(bytes_, 2 * in_round_trip), std::uint64_t{most}));
  began_at_ = now;
  from_ = gone;
  edge_ = edge;
}

}  // namespace sluice::tcp
