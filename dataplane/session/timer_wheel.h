// When sessions want to be run although nothing came in. One slot a millisecond, a lap of about 16 s;
// what lies further waits in the last slot and is looked at again there. Arming later is lazy: a
// session that fires early is simply armed anew, so the usual "deadline moved back" costs nothing.
// Invariant: a session is in at most one slot, the one of its timer_tick.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "common/time.h"
#include "dataplane/session/session.h"

namespace sluice::session {

class TimerWheel {
 public:
  explicit TimerWheel(TimeNs now) : tick_(now / kTick) {}

  // Makes sure that the session fires at or before `deadline` (rounded up to a tick).
  void arm(Session& session, TimeNs deadline);
  void disarm(Session& session);

  // Calls fn(Session&) for each session whose slot has come; the session is out of the wheel by then.
  template <class Fn>
  void advance(TimeNs now, Fn&& fn) {
    const std::uint64_t until = now / kTick;
    if (until - tick_ >= kSlots) tick_ = until - kSlots + 1;
    for (; tick_ <= until; ++tick_) {
      while (Session* session = slots_[tick_ % kSlots]) {
        disarm(*session);
        fn(*session);
      }
    }
    tick_ = until;  // the slot of this very tick may be filled again
  }
  // A time at or before which something may be due; kNever when nothing is armed. Looks at a bit for each slot.
  [[nodiscard]] TimeNs next() const;

 private:
  static constexpr DurationNs kTick = kMillisecond;
  static constexpr std::uint64_t kSlots = 16384;

  std::uint64_t tick_;
  std::uint64_t armed_ = 0;
  std::array<Session*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};  // a bit for each slot that is not empty
};

}  // namespace sluice::session
