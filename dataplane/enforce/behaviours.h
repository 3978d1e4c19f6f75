// What callers did lately, and what they usually do: what of it is worth points, as a service's policy says. A table of
// fixed size; whole numbers; takes the time. One a worker.
//
// A caller is known by a seeded hash: of the name that the policy gave it, or of its address, or of both where it gave
// itself the name. Of such a name alone nothing is counted but from which addresses it calls: a new one is unusual, to
// who calls from it and is not known by itself. "Lately" is the last interval, as a window that slides: what came in
// the current one, and of the one before the part that is not older. "Usual" is a mean over the intervals in which the
// caller did anything, newer ones counting more; one of them moves it by a sixteenth, and as if it was twice the usual
// at most, so that who runs away does not soon count as usual. Nothing is usual before kLearned such intervals.
//
// Overload: who finds no room takes that of the one of four who was seen least recently, and what was known of that one
// is forgotten. A name that the policy declares is never forgotten for one that a caller gave itself, which is then not
// scored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/huge_memory.h"
#include "common/siphash.h"
#include "common/time.h"
#include "dataplane/enforce/risk.h"

namespace sluice::enforce {

// By kind; 0 for what is not so.
using BehaviourPoints = std::array<std::uint32_t, kBehaviours>;

class Behaviours {
 public:
  static constexpr std::size_t kEntries = std::size_t{1} << 14U;  // 4 MiB, of which is used what is touched
  static constexpr std::uint64_t kUsualUnit = 256;                // of which usual counts are made
  static constexpr std::uint32_t kLearned = 8;                    // intervals
  static constexpr std::size_t kSources = 8;                      // of a caller, that are told apart

  explicit Behaviours(const HashKey& seed = {}, std::size_t entries = 256);

  struct Who {
    std::uint64_t caller = 0;  // seeded hash of who it is, and of the service
    std::uint64_t name = 0;    // likewise of the name alone, where the caller gave it itself
    bool declared = false;     // the policy knows the name
  };
  // A request of a caller from an address begins: counts it, and says what its caller's behaviour is worth now.
  BehaviourPoints begin(const Risk& risk, const Who& who, std::uint64_t source, TimeNs now);
  // What came of it. `stream`: of stream_of(), or 0.
  void end_request(const Risk& risk, const Who& who, std::uint64_t bytes, std::uint32_t stream, TimeNs now);
  void end_response(const Risk& risk, const Who& who, std::uint64_t bytes, bool answered, bool failed, TimeNs now);

  // Requests to paths of one folder are pieces of one stream.
  [[nodiscard]] std::uint32_t stream_of(std::string_view path) const;

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kStreams = 4;

  struct Tally {
    std::uint32_t requests, answers, failures;
    std::uint64_t bytes, bytes_out;
  };
  // The most frequent streams of small bodies: one that is not among them takes one off each count.
  struct Stream {
    std::uint32_t id, now, before;
  };
  struct Source {
    std::uint32_t id, first_s, last_s;  // first_s 0: known since ever
  };
  struct Caller {
    TimeNs seen, began;
    Tally now, before;
    std::uint64_t usual_requests, usual_bytes;  // in kUsualUnits
    std::uint32_t learned;
    bool declared;
    std::array<Stream, kStreams> streams;
    std::array<Source, kSources> sources;
  };
  struct Set {
    std::array<std::uint64_t, kWays> keys;
    std::array<Caller, kWays> callers;
  };
  // Of two tallies: the newer, and so many 1024ths of the older.
  struct Window {
    std::uint64_t weight;
    [[nodiscard]] std::uint64_t of(std::uint64_t now, std::uint64_t before) const {
      return now + ((before * weight) >> 10U);
    }
  };

  Caller* find(const Who& who, bool make, TimeNs now);
  static void roll(Caller& caller, const Risk& risk, TimeNs now);
  static void learn(Caller& caller);
  static void add_piece(Caller& caller, std::uint32_t stream);
  // True when the name is known, and not from there.
  bool note_name(const Risk& risk, const Who& who, std::uint32_t id, TimeNs now);
  static bool note_source(Caller& caller, std::uint32_t id, DurationNs life, TimeNs now);

  HashKey seed_;
  HugeMemory memory_;
  Set* sets_;
  std::uint64_t mask_;
};

}  // namespace sluice::enforce
