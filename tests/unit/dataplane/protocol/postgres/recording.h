// Plays what both sides of a session said, in the order in which it came by: pieces of one byte for who spoke (0
// client, 1 server), two of length, and what was said. Also used by the fuzzer, so it depends on no test framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "tests/unit/dataplane/protocol/postgres/talk.h"

namespace sluice::postgres {

struct Played {
  ErrorCode error = ErrorCode::ok;  // the first one: nothing is played behind it
  std::string log;                  // as Talk has it
  std::size_t open_questions = 0;
  Phase phase = Phase::startup;
  bool operator==(const Played&) const = default;
};

// The last piece may be cut short.
inline Played play(std::string_view recording, const ConversationLimits& limits, std::size_t run_bytes) {
  constexpr std::size_t kHead = 3;
  Talk talk(limits, run_bytes);
  Played played;
  while (recording.size() >= kHead && played.error == ErrorCode::ok) {
    const bool is_server = (recording[0] & 1) != 0;
    const std::size_t length = load_be16(as_bytes(recording).data() + 1);
    const std::string_view said = recording.substr(kHead, length);
    recording.remove_prefix(std::min(recording.size(), kHead + length));
    played.error = is_server ? talk.server(said) : talk.client(said);
  }
  played.log = talk.said();
  played.open_questions = talk.conversation().open_questions();
  played.phase = talk.conversation().phase();
  return played;
}

}  // namespace sluice::postgres
