// What is prepared at the server of a replay, under the names of the recorded session. It is at most kMost: that a
// client closed a name is not on the record, so what was not used for the longest time goes first, here and there.
// Invariant: what find() gives is at the server, and is what the session had there.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/error.h"
#include "control/replay/postgres_peer.h"

namespace sluice::control {

class PreparedNames {
 public:
  static constexpr std::size_t kMost = 4096;

  struct Prepared {
    std::uint32_t unit = 0;
    std::string shown;           // its beginning
    bool is_as_recorded = true;  // else it stays until its name is needed, and is not used
    std::uint64_t used = 0;      // the greater, the later
  };

  // Until something is prepared or freed.
  [[nodiscard]] const Prepared* find(const std::string& name);
  // Nothing is there under the name. In a failed transaction it stays, and is not used.
  Result<void> free(PostgresPeer& peer, const std::string& name);
  // For one more of the name. bad_argument where there is none: in a failed transaction nothing can be freed.
  Result<void> make_room(PostgresPeer& peer, const std::string& name);
  void put(const std::string& name, Prepared prepared);
  // The server has something else under the name than the session had.
  void spoil(const std::string& name);
  // A statement dropped some, as its tag says.
  void follow_tag(std::string_view tag);

 private:
  Result<void> look(PostgresPeer& peer);

  std::map<std::string, Prepared> names_;
  std::uint64_t uses_ = 0;
  bool are_certain_ = true;  // else some of them are not at the server
};

}  // namespace sluice::control
