// Sessions of this worker of which a statement waits, by what a request to cancel it would name: such a request comes
// on a connection of its own, with the process and the secret that the server told the session (PostgreSQL 15, section
// 55.2.9).
// Both are kept as one seeded hash, so what is found, and how soon, says nothing of a secret to who guesses. There is
// an entry for each session that waits, and no more.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/bytes.h"
#include "common/ip_address.h"
#include "common/siphash.h"

namespace sluice::session {

class Session;
class CancelWait;

class Cancels {
 public:
  using Key = std::uint64_t;
  static Key key_of(const HashKey& seed, const IpAddress& server, std::uint16_t port, std::uint32_t process,
                    Bytes secret);

  Cancels() = default;
  Cancels(const Cancels&) = delete;
  Cancels& operator=(const Cancels&) = delete;

  // A request to cancel came.
  void ask(Key key);
  // Once a burst: `wake` is called for sessions that have something to do.
  template <class Wake>
  void take(const Wake& wake) {
    for (Session* session : to_wake_) wake(*session);
    to_wake_.clear();
  }
  [[nodiscard]] bool pending() const { return !to_wake_.empty(); }

 private:
  friend class CancelWait;
  std::unordered_map<Key, CancelWait*> waiting_;
  std::vector<Session*> to_wake_;
};

// A session's place among them, which goes with its relay.
class CancelWait {
 public:
  CancelWait() = default;
  CancelWait(const CancelWait&) = delete;
  CancelWait& operator=(const CancelWait&) = delete;
  ~CancelWait() { end(); }

  // With key 0 (the server told none) nobody can cancel.
  void begin(Cancels& cancels, Cancels::Key key, Session* session);
  void end();
  // A request to cancel came since it began.
  [[nodiscard]] bool is_asked() const { return is_asked_; }

 private:
  friend class Cancels;
  Cancels* cancels_ = nullptr;
  Cancels::Key key_ = 0;
  Session* session_ = nullptr;
  bool is_asked_ = false;
};

}  // namespace sluice::session
