// What a stretch of blocks adds to the index, gathered in memory and written in one transaction.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "control/archive/index.h"

namespace sluice::control {

class Index::Batch {
 public:
  // False: full; the record was not taken and belongs to the next batch. Full only between blocks.
  bool add(const schema::log::Record& record, const segment::Location& at);
  [[nodiscard]] bool empty() const { return sessions_.empty(); }
  Result<void> write(Database& database, std::int64_t segment_row) const;

 private:
  static constexpr std::size_t kMaxSessions = 20'000;
  static constexpr std::size_t kMaxRuns = 100'000;

  struct Run {
    segment::Cursor first;
    std::uint64_t blocks = 0;
    std::uint64_t sequence = 0;  // of the first record
  };
  struct Session {
    SessionRow row;
    std::vector<Run> runs;
  };

  std::unordered_map<SessionId, Session> sessions_;
  std::size_t runs_ = 0;
  std::uint64_t block_ = ~std::uint64_t{0};  // that the last record came from
};

}  // namespace sluice::control
