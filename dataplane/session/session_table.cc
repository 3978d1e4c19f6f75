// See session_table.h. Deletion shifts the cluster back, so there are no tombstones.
#include "dataplane/session/session_table.h"

#include <algorithm>
#include <bit>
#include <new>

#include "common/assert.h"
#include "dataplane/session/probing.h"

namespace sluice::session {

SessionTable::SessionTable(std::size_t capacity, const HashKey& seed)
    : seed_(seed),
      capacity_(capacity),
      mask_(std::bit_ceil(capacity * 2) - 1),
      slot_memory_((mask_ + 1) * sizeof(Slot)),
      room_memory_(capacity * sizeof(Room)),
      slots_(reinterpret_cast<Slot*>(slot_memory_.data()), mask_ + 1),  // zeros are empty slots
      rooms_(reinterpret_cast<Room*>(room_memory_.data())) {
  free_.reserve(capacity);
  occupied_.resize((capacity + 63) / 64);
}

SessionTable::~SessionTable() {
  for (const Slot& slot : slots_)
    if (slot.session != nullptr) slot.session->~Session();
}

const Session* SessionTable::prefetch_session(std::uint64_t hash) const {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = home(hash); slots_[at].session != nullptr; at = (at + 1) & mask_) {
    if (slots_[at].tag != tag) continue;
    slots_[at].session->prefetch();
    return slots_[at].session;
  }
  return nullptr;
}

Session* SessionTable::find(const FlowKey& key, std::uint64_t hash) const {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = home(hash); slots_[at].session != nullptr; at = (at + 1) & mask_)
    if (slots_[at].tag == tag && slots_[at].session->flow() == key) return slots_[at].session;
  return nullptr;
}

void* SessionTable::take_room() {
  if (!free_.empty()) {
    void* room = free_.back();
    free_.pop_back();
    return room;
  }
  return fresh_ < capacity_ ? &rooms_[fresh_++] : nullptr;
}

void SessionTable::insert(Session* session) {
  const std::uint64_t hash = session->flow().hash(seed_);
  std::size_t at = home(hash);
  while (slots_[at].session != nullptr) at = (at + 1) & mask_;
  slots_[at] = {static_cast<std::uint32_t>(hash >> 32), session};
  ++size_;
  const std::size_t room = room_of(session);
  occupied_[room / 64] |= std::uint64_t{1} << (room % 64);
}

void SessionTable::destroy(Session* session) {
  std::size_t at = home(session->flow().hash(seed_));
  while (slots_[at].session != session) {
    SLUICE_ASSERT(slots_[at].session != nullptr);
    at = (at + 1) & mask_;
  }
  close_hole(
      slots_, mask_, at, [](const Slot& slot) { return slot.session == nullptr; },
      [this](const Slot& slot) { return home(slot.session->flow().hash(seed_)); });
  --size_;
  session->~Session();
  const std::size_t room = room_of(session);
  occupied_[room / 64] &= ~(std::uint64_t{1} << (room % 64));
  free_.push_back(session);
}

const Session* SessionTable::walk(std::size_t& room, std::size_t& words) const {
  while (room < fresh_ && words > 0) {
    const std::uint64_t later = occupied_[room / 64] >> (room % 64);
    if (later != 0) {
      const std::size_t found = room + static_cast<std::size_t>(std::countr_zero(later));
      room = found + 1;
      return std::launder(reinterpret_cast<const Session*>(&rooms_[found]));
    }
    room = std::min((room / 64 + 1) * 64, fresh_);
    --words;
  }
  return nullptr;
}

}  // namespace sluice::session
