// Judges a whole segment, cuts what a crash left behind, and seals it. Only ever removes bytes that
// were never acknowledged; a damaged segment is left as it is.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"
#include "segment/layout.h"
#include "segment/reader.h"

namespace sluice::segment {

struct Report {
  SegmentHeader header;
  Walk walk;
  std::uint64_t sessions = 0;
  WallNs first_wall = 0;
  WallNs last_wall = 0;
  bool index_holds = true;  // a sealed segment: its footer says what the walk found

  [[nodiscard]] bool sound() const { return walk.damage_count == 0 && index_holds; }
};

// Reads every byte that counts. Fails only when the file cannot be read or is no segment.
Result<Report> verify(const std::string& path);

struct Recovery {
  std::uint64_t cut_bytes = 0;  // of a torn tail; zeros that were allocated ahead do not count
  std::uint64_t records = 0;    // that are left
  bool sealed = false;          // a footer was appended
  bool removed = false;         // the file never held an acknowledged record, and is gone
};

// Cuts a torn tail and nothing else. segment_bad_checksum when the segment is damaged: nothing is cut then.
// No other process may be writing the segment.
Result<Recovery> cut_torn_tail(const std::string& path);
// What a writer does at its start with each segment that is not sealed: cut, then append footer and trailer.
Result<Recovery> recover(const std::string& path);
// Cheap: has it a trailer?
bool looks_sealed(const std::string& path);

}  // namespace sluice::segment
