// See timer_wheel.h.
#include "dataplane/session/timer_wheel.h"

#include <algorithm>

namespace sluice::session {

void TimerWheel::arm(Session& session, TimeNs deadline) {
  if (deadline == kNever) return;
  const std::uint64_t latest = tick_ + kSlots - 1;
  const std::uint64_t wanted = deadline / kTick + (deadline % kTick != 0 ? 1 : 0);
  const std::uint64_t tick = std::clamp(wanted, tick_, latest);
  if (session.timer_tick != kNever) {
    if (session.timer_tick <= tick) return;
    disarm(session);
  }
  Session*& head = slots_[tick % kSlots];
  session.timer_tick = tick;
  session.timer_previous = nullptr;
  session.timer_next = head;
  if (head != nullptr) head->timer_previous = &session;
  head = &session;
  ++armed_;
}

void TimerWheel::disarm(Session& session) {
  if (session.timer_tick == kNever) return;
  if (session.timer_previous != nullptr) {
    session.timer_previous->timer_next = session.timer_next;
  } else {
    slots_[session.timer_tick % kSlots] = session.timer_next;
  }
  if (session.timer_next != nullptr) session.timer_next->timer_previous = session.timer_previous;
  session.timer_tick = kNever;
  session.timer_next = session.timer_previous = nullptr;
  --armed_;
}

TimeNs TimerWheel::next() const {
  if (armed_ == 0) return kNever;
  for (std::uint64_t tick = tick_; tick < tick_ + kSlots; ++tick)
    if (slots_[tick % kSlots] != nullptr) return tick * kTick;
  return kNever;
}

}  // namespace sluice::session
