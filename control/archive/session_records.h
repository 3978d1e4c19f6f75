// The records of one session, in order, straight from the segments.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/unit.h"
#include "control/archive/index.h"
#include "segment/reader.h"

namespace sluice::control {

// A block in which reading can begin.
struct RecordPlace {
  std::size_t run = 0;
  segment::Cursor block;
};

class SessionRecords {
 public:
  using RecordFn = std::function<bool(const schema::log::Record&, const RecordPlace&)>;  // false stops

  // not_found when the index has no such session.
  static Result<SessionRecords> open(Index& index, SessionId id);

  [[nodiscard]] RecordPlace begin() const { return {0, runs_.empty() ? segment::Cursor{} : runs_[0].first}; }
  // From the beginning of that block on. Fails where a block cannot be read any more; what came before was told.
  Result<void> for_each(const RecordPlace& from, const RecordFn& on_record) const;

 private:
  SessionRecords(SessionId id, std::vector<BlockRun> runs) : id_(id), runs_(std::move(runs)) {}
  // False when the callback wants no more.
  Result<bool> read_run(segment::Reader& reader, const RecordPlace& from, const RecordFn& on_record) const;

  SessionId id_;
  std::vector<BlockRun> runs_;
};

}  // namespace sluice::control
