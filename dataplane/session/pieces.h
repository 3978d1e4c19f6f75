// What a worker remembers of payloads that came in pieces, each the body of a request of its own: of every run of
// pieces without a gap its ends, so that what lies across the seam to the next piece can be looked for. Bounded:
// kStreams payloads, of each kRuns runs, of each run kEndBytes at either end. Offsets are the peer's: any are taken,
// and only compared. Where pieces overlap, the later one's bytes count.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/bytes.h"
#include "common/metrics.h"
#include "common/siphash.h"
#include "common/time.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::session {

// Of all that ties the pieces of a payload: 128 bits that nobody outside can aim at.
struct PayloadKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const PayloadKey&) const = default;
};

class Pieces {
 public:
  static constexpr std::size_t kStreams = 2048;
  static constexpr std::size_t kRuns = 4;
  // Holds a widest match and what it looks at around it.
  static constexpr std::size_t kEndBytes = 1024;
  static constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 62;

  // What lies before a piece; the view lives until the next add().
  struct Left {
    std::uint64_t begin = 0;   // of the piece, in the payload
    Bytes bytes;               // as far as they are known
    inspect::ScanState state;  // a scan that goes on with the piece: its hold counts from the first of the bytes
  };
  // What lies behind it.
  struct Right {
    Bytes bytes;
    bool whole = false;  // no byte is known behind these
  };
  struct Piece {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    Bytes head;  // its first bytes: all, or kEndBytes
    Bytes tail;  // the last bytes that are known up to its end; behind it too, where Right::whole
    bool through_right = false;
    inspect::ScanState state;  // of a scan that goes on behind the tail: its hold counts from the first of the tail
  };

  explicit Pieces(const HashKey& key = {}) : key_(key) {}

  [[nodiscard]] PayloadKey key_of(Bytes ties) const;
  // Without an offset a piece follows the one that came last.
  [[nodiscard]] Left left_of(const PayloadKey& key, std::optional<std::uint64_t> offset, TimeNs now) const;
  [[nodiscard]] Right right_of(const PayloadKey& key, std::uint64_t end, TimeNs now) const;
  // The piece was let through.
  void add(const PayloadKey& key, const Piece& piece, DurationNs life, TimeNs now, ErrorCounters& errors);
  [[nodiscard]] std::size_t size() const { return streams_.size(); }

 private:
  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::vector<std::uint8_t> head;
    std::vector<std::uint8_t> tail;
    inspect::ScanState state;
    [[nodiscard]] std::uint64_t size() const { return end - begin; }
  };
  struct Stream {
    PayloadKey key;
    TimeNs expires = 0;
    std::uint64_t next = 0;  // behind the piece that came last
    std::list<Run> runs;     // the one touched last comes first; none touches another
  };
  struct Hash {
    std::size_t operator()(const PayloadKey& key) const { return key.low; }
  };

  [[nodiscard]] const Stream* find(const PayloadKey& key, TimeNs now) const;
  Stream& touch(const PayloadKey& key, TimeNs now, ErrorCounters& errors);
  static bool join(Run& run, const Run& other, const Piece& piece);

  HashKey key_;
  std::list<Stream> streams_;  // the one touched last comes first
  std::unordered_map<PayloadKey, std::list<Stream>::iterator, Hash> index_;
};

}  // namespace sluice::session
