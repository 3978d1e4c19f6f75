// See session_table.h. Deletion shifts the cluster back, so there are no tombstones.
#include "dataplane/session/session_table.h"

#include <algorithm>
#include <bit>

#include "common/assert.h"
#include "dataplane/session/probing.h"

namespace sluice::session {

SessionTable::SessionTable(std::size_t capacity, const HashKey& seed)
    : seed_(seed),
      capacity_(capacity),
      mask_(slots_for(capacity) - 1),
      home_shift_(32U - static_cast<unsigned>(std::countr_one(mask_))),
      slot_memory_((mask_ + 1) * sizeof(Slot)),
      room_memory_(capacity * sizeof(Room)),
      slots_(reinterpret_cast<Slot*>(slot_memory_.data()), mask_ + 1),  // zeros are free slots
      rooms_(reinterpret_cast<Room*>(room_memory_.data())) {
  SLUICE_ASSERT(mask_ < std::size_t{1} << 32);  // a tag tells any of them
  free_.reserve(capacity);
  occupied_.resize((capacity + 63) / 64);
}

SessionTable::~SessionTable() {
  for_each([](Session& session) { session.~Session(); });
}

const Session* SessionTable::prefetch_session(std::uint64_t hash) const {
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t at = home(tag); !slots_[at].is_free(); at = (at + 1) & mask_) {
    if (slots_[at].tag != tag) continue;
    const Session* likely = session_in(slots_[at]);
    likely->prefetch();
    return likely;
  }
  return nullptr;
}

Session* SessionTable::find(const FlowKey& key, std::uint64_t hash) const {
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t at = home(tag); !slots_[at].is_free(); at = (at + 1) & mask_)
    if (slots_[at].tag == tag && session_in(slots_[at])->flow() == key) return session_in(slots_[at]);
  return nullptr;
}

SessionTable::Room* SessionTable::take_room() {
  if (!free_.empty()) {
    Room* room = &rooms_[free_.back()];
    free_.pop_back();
    return room;
  }
  return fresh_ < capacity_ ? &rooms_[fresh_++] : nullptr;
}

void SessionTable::insert(Session* session, std::uint32_t tag) {
  const std::uint32_t room = room_of(session);
  std::size_t at = home(tag);
  while (!slots_[at].is_free()) at = (at + 1) & mask_;
  slots_[at] = {tag, room + 1};
  session->table_tag = tag;
  ++size_;
  occupied_[room / 64] |= std::uint64_t{1} << (room % 64);
}

void SessionTable::destroy(Session* session) {
  const std::uint32_t room = room_of(session);
  std::size_t at = home(session->table_tag);
  while (slots_[at].room != room + 1) {
    SLUICE_ASSERT(!slots_[at].is_free());
    at = (at + 1) & mask_;
  }
  close_hole(
      slots_, mask_, at, [](const Slot& slot) { return slot.is_free(); },
      [this](const Slot& slot) { return home(slot.tag); });
  --size_;
  session->~Session();
  occupied_[room / 64] &= ~(std::uint64_t{1} << (room % 64));
  free_.push_back(room);
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
