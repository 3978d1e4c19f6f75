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
  occupied_[tick % kSlots / 64] |= std::uint64_t{1} << (tick % 64);
  ++armed_;
}

void TimerWheel::disarm(Session& session) {
  if (session.timer_tick == kNever) return;
  if (session.timer_previous != nullptr) {
    session.timer_previous->timer_next = session.timer_next;
  } else {
    const std::uint64_t slot = session.timer_tick % kSlots;
    slots_[slot] = session.timer_next;
    if (session.timer_next == nullptr) occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  if (session.timer_next != nullptr) session.timer_next->timer_previous = session.timer_previous;
  session.timer_tick = kNever;
  session.timer_next = session.timer_previous = nullptr;
  --armed_;
}

TimeNs TimerWheel::next() const {
  if (armed_ == 0) return kNever;
  for (std::uint64_t tick = tick_; tick < tick_ + kSlots;) {
    const std::uint64_t rest = occupied_[tick % kSlots / 64] >> (tick % 64);
    if (rest != 0) return (tick + static_cast<std::uint64_t>(std::countr_zero(rest))) * kTick;
    tick += 64 - tick % 64;
  }
  // The one word that is left: the slots of the next lap that lie before this tick's, in its word.
  const std::uint64_t begin = tick_ + kSlots - tick_ % 64;
  const std::uint64_t wrapped = occupied_[begin % kSlots / 64] & ((std::uint64_t{1} << (tick_ % 64)) - 1);
  return wrapped != 0 ? (begin + static_cast<std::uint64_t>(std::countr_zero(wrapped))) * kTick : kNever;
}

}  // namespace sluice::session
