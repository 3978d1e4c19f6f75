// All sessions of a worker, found by flow. Room for them is taken at the start; when it is full a
// newcomer is refused.
// Open addressing with linear probing and a seeded hash, so that a peer cannot choose collisions. A slot is eight
// bytes, so that eight of them come with one line; whose it is, and where its home is, it says without its session.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "common/huge_memory.h"
#include "dataplane/session/flow_key.h"
#include "dataplane/session/session.h"

namespace sluice::session {

class SessionTable {
 public:
  SessionTable(std::size_t capacity, const HashKey& seed);
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // Of a burst's flows: first the hashes, each with its slot asked for; then the sessions; then what those lead to
  // (Session::prefetch_legs()); then find() meets warm memory.
  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const { return key.hash(seed_); }
  void prefetch_slot(std::uint64_t hash) const { __builtin_prefetch(&slots_[home(tag_of(hash))]); }
  const Session* prefetch_session(std::uint64_t hash) const;  // the likely one
  [[nodiscard]] Session* find(const FlowKey& key, std::uint64_t hash) const;
  [[nodiscard]] Session* find(const FlowKey& key) const { return find(key, hash(key)); }
  // Constructs a session in place; nullptr when the table is full. No session of that flow exists.
  template <class... Args>
  Session* create(const FlowKey& key, std::uint64_t hash, Args&&... args) {
    Room* room = take_room();
    if (room == nullptr) return nullptr;
    auto* session = new (room) Session(key, std::forward<Args>(args)...);
    insert(session, tag_of(hash));
    return session;
  }
  void destroy(Session* session);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // What a table that is full keeps, without what its sessions have elsewhere.
  [[nodiscard]] static std::size_t bytes_for(std::size_t sessions) {
    return sessions * sizeof(Room) + slots_for(sessions) * sizeof(Slot);
  }

  // The first session in or after a room. A session keeps its room for as long as it lives, so a walk over the rooms
  // meets each that lives throughout it exactly once, whatever comes and goes meanwhile. Looks at `words` runs of 64
  // rooms at most; nullptr when none is there. Moves `room` behind what was looked at; at rooms() the walk is over.
  [[nodiscard]] const Session* walk(std::size_t& room, std::size_t& words) const;
  [[nodiscard]] std::size_t rooms() const { return fresh_; }

  template <class Fn>
  void for_each(Fn&& fn) {
    for (const Slot& slot : slots_)
      if (!slot.is_free()) fn(*session_in(slot));
  }

 private:
  struct alignas(Session) Room {
    std::byte bytes[sizeof(Session)];
  };
  struct Slot {
    std::uint32_t tag = 0;   // upper half of the hash: most misses never touch a session
    std::uint32_t room = 0;  // and one; 0: free
    [[nodiscard]] bool is_free() const { return room == 0; }
  };

  [[nodiscard]] static std::size_t slots_for(std::size_t sessions) {
    return std::bit_ceil(std::max<std::size_t>(sessions * 2, 2));
  }
  Room* take_room();
  void insert(Session* session, std::uint32_t tag);
  [[nodiscard]] std::uint32_t room_of(const Session* session) const {
    return static_cast<std::uint32_t>(reinterpret_cast<const Room*>(session) - rooms_);
  }
  [[nodiscard]] Session* session_in(const Slot& slot) const {
    return std::launder(reinterpret_cast<Session*>(&rooms_[slot.room - 1]));
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  // The tag's upper bits, so that what lies side by side differs in the lower ones.
  [[nodiscard]] std::size_t home(std::uint32_t tag) const { return tag >> home_shift_; }

  HashKey seed_;
  std::size_t capacity_;
  std::size_t mask_;
  unsigned home_shift_;
  std::size_t size_ = 0;
  HugeMemory slot_memory_;  // untouched pages cost nothing
  HugeMemory room_memory_;
  std::span<Slot> slots_;
  Room* rooms_;
  std::vector<std::uint32_t> free_;
  std::size_t fresh_ = 0;                // rooms used so far
  std::vector<std::uint64_t> occupied_;  // a bit for each room
};

}  // namespace sluice::session
