// The exchanges of a session, put together from its records: for each unit the request and the response, as
// recorded (masked). Bounded: a window of units, the first bytes of each body; whole bodies are streamed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"
#include "common/unit.h"
#include "control/archive/session_records.h"

namespace sluice::control {

struct RuleHit {
  std::string rule;
  std::uint32_t count = 0;
};

// How a request waited for a decision, or that an order let it pass without.
struct HeldStory {
  std::uint64_t hold = 0;  // 0: it did not wait
  std::string cause;
  std::uint64_t waited_ns = 0;
  bool passed = false;
  std::string by;  // empty: nobody decided
  std::string reason;
  std::uint8_t ending = 0;  // HoldEnding of schema/channel.fbs
};

// What a request was worth, and where that came from: rules by their names, behaviour as behaviour/NAME.
struct ScoreStory {
  std::uint32_t total = 0;
  std::uint32_t line = 0;  // the highest of the policy that it is above; 0: none
  std::vector<std::pair<std::string, std::uint32_t>> parts;
};

// A request or a response.
struct Message {
  bool present = false;
  RecordPlace place;  // of its first record
  WallNs begin_wall_ns = 0;
  WallNs end_wall_ns = 0;
  std::string head;                        // start line, headers, empty line
  std::vector<std::string> informational;  // heads of 1xx responses before it
  bool synthesized = false;                // Sluice answered by itself
  std::string body;                        // its first bytes
  std::string trailers;
  std::uint64_t recorded_bytes = 0;  // of the body, in the archive
  bool has_holes = false;            // parts of the body were left out of the record
  bool ended = false;                // what follows is known
  bool complete = false;
  std::uint64_t body_bytes = 0;
  Verdict verdict = Verdict::pass;
  bool observed = false;
  ErrorCode error = ErrorCode::ok;
  std::uint64_t policy_version = 0;
  std::string limit;  // that had no room for it
  std::optional<HeldStory> held;
  std::optional<ScoreStory> score;
  std::uint64_t duration_ns = 0;  // of an answer; 0: it did not come, or the record is older
  std::uint8_t transaction = 0;   // of an answer of PostgreSQL: 'I', 'T' or 'E'; 0: not known
  std::uint64_t rows = 0;
  std::uint32_t pipeline = 0;  // of an answer of PostgreSQL: in which it was asked, from 1; 0: not known
  std::vector<RuleHit> hits;
};

struct Unit {
  std::uint32_t number = 0;
  Message request;
  Message response;
};

struct UnitWindow {
  std::uint32_t first = 0;
  std::uint32_t limit = 100;
  std::size_t head_bytes = 256 * 1024;  // kept of each head
  std::size_t body_bytes = 4096;        // kept of each body, and of trailers
};

struct Exchanges {
  std::vector<Unit> units;  // those of the window, by number
  bool has_more = false;    // units beyond the window
  RecordPlace next;         // where they begin
  std::string problem;      // why the record could not be read to its end; empty when it could
};

// `from` is the session's beginning, or the `next` of the window before.
Exchanges read_exchanges(const SessionRecords& records, const UnitWindow& window, const RecordPlace& from);

// Where the message's records begin; not_found when there is none.
Result<RecordPlace> find_message(const SessionRecords& records, std::uint32_t unit, Direction direction);

// The recorded body in order, in pieces; record_gap where a part is missing. The sink stops it by returning false.
using BodySink = std::function<bool(Bytes)>;
Result<void> stream_body(const SessionRecords& records, const RecordPlace& from, std::uint32_t unit,
                         Direction direction, const BodySink& sink);

}  // namespace sluice::control
