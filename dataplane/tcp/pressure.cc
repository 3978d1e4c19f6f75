// See pressure.h.
#include "dataplane/tcp/pressure.h"

#include <algorithm>

namespace sluice::tcp {
namespace {

constexpr std::uint32_t kSixteenth = Pressure::kFull / 16;
constexpr std::uint32_t kWindowsShrink = 8 * kSixteenth;
constexpr std::uint32_t kInOrderOnly = 12 * kSixteenth;
constexpr std::uint32_t kOneLegOnly = 13 * kSixteenth;
constexpr std::uint32_t kClosed = 15 * kSixteenth;
constexpr DurationNs kTurn = kSecond;              // of the leg that is favoured, at most
constexpr DurationNs kPause = 200 * kMillisecond;  // in which it takes nothing ends its turn
constexpr DurationNs kVictimEvery = 100 * kMillisecond;

}  // namespace

void Pressure::set(std::uint32_t any_fill, std::uint32_t needed_fill, std::uint32_t receive_bytes, TimeNs now) {
  now_ = now;
  stage_ = needed_fill >= kClosed        ? Stage::closed
           : needed_fill >= kOneLegOnly  ? Stage::one_leg
           : needed_fill >= kInOrderOnly ? Stage::in_order
                                         : Stage::open;
  // Halved for each half of a sixteenth: from the whole to 1/1024 of it on the way to the next stage.
  window_bytes_ = any_fill < kWindowsShrink
                      ? kNoLimit
                      : receive_bytes >> std::min((any_fill - kWindowsShrink) / (kSixteenth / 2) + 1, 31u);
}

ErrorCode Pressure::admit(const void* leg, bool in_order) {
  if (stage_ == Stage::open) return ErrorCode::ok;
  if (stage_ == Stage::in_order) return in_order ? ErrorCode::ok : ErrorCode::tcp_early_refused;
  if (stage_ == Stage::closed || !in_order) return ErrorCode::tcp_memory_short;
  if (favoured_ != leg) {
    const bool taken = favoured_ != nullptr && now_ - favoured_at_ < kTurn && now_ - served_at_ < kPause;
    if (taken) return ErrorCode::tcp_memory_short;
    favoured_ = leg;
    favoured_at_ = now_;
  }
  served_at_ = now_;
  return ErrorCode::ok;
}

bool Pressure::takes_victim() {
  if (stage_ != Stage::closed || now_ - victim_at_ < kVictimEvery) return false;
  victim_at_ = now_;
  return true;
}

}  // namespace sluice::tcp
