// What one worker lends to its sessions for the length of a burst. Nothing here is shared with
// another worker; `now` and `wall` are read once a burst.
#pragma once

#include <cstdint>
#include <vector>

#include "common/metrics.h"
#include "common/time.h"
#include "common/trace_ring.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/buffer/slabs.h"
#include "dataplane/enforce/behaviours.h"
#include "dataplane/enforce/limiter.h"
#include "dataplane/inspect/scanner.h"
#include "dataplane/protocol/http1/rewrite.h"
#include "dataplane/record/recorder.h"
#include "dataplane/session/callers.h"
#include "dataplane/session/cancels.h"
#include "dataplane/session/content_view.h"
#include "dataplane/session/decoded_rows.h"
#include "dataplane/session/fingerprint.h"
#include "dataplane/session/hold_table.h"
#include "dataplane/session/pieces.h"
#include "dataplane/session/policy.h"
#include "dataplane/session/statements.h"

namespace sluice::session {

// Reused from unit to unit, so that the steady state allocates nothing.
struct Workspace {
  ContentView content;
  DecodedRowsWriter decoded;
  std::vector<Match> matches;
  std::vector<std::uint8_t> stars;  // masked copies of matches, one after another
  std::vector<std::uint8_t> bytes;
  std::vector<Bytes> window;
  std::vector<http1::Edit> edits;
  std::vector<http1::Range> ranges;
  std::vector<record::Hit> hits;
  std::vector<record::ScorePart> score_parts;
  record::Score score;
};

// Of what a session needs while anything is under way on it.
inline constexpr std::size_t kAwakeBytes = 3584;

struct Context {
  buffer::Pools& pools;
  record::Recorder& recorder;
  ErrorCounters& errors;
  TraceRing& trace;
  inspect::Scratch* scratch = nullptr;  // grown for every policy that is in use
  PolicyRef policy;                     // the newest; null before the first
  Pieces pieces;                        // of payloads that come in several requests
  enforce::Limiter limiter{};
  enforce::Behaviours behaviours{};
  Callers callers{};
  TimeNs now = 0;
  WallNs wall = 0;
  Workspace work;
  buffer::Slabs awake = buffer::Slabs(kAwakeBytes);  // as many as there are sessions at most
  HoldTable holds{};
  Statements statements{};
  Cancels cancels{};
  HashKey hash_key{};          // of tables whose keys peers choose
  Session* session = nullptr;  // that runs now
};

}  // namespace sluice::session
