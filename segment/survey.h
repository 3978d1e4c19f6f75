// What stands behind a bad block: one pass over the rest of the file that finds every block header of
// this segment, so that any number of bad blocks is judged without reading the file again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/error.h"
#include "segment/reader.h"
#include "segment/source.h"

namespace sluice::segment {

class Survey {
 public:
  static Result<Survey> of(Source& source, std::uint64_t segment_id, std::uint64_t from, std::uint64_t file_bytes);

  // The next block at or behind `from`, if anything there says that block at.block was acknowledged.
  [[nodiscard]] std::optional<Cursor> acknowledged_after(const Cursor& at, std::uint64_t from) const;
  [[nodiscard]] bool only_zeros_from(std::uint64_t offset) const { return nonzero_end_ <= offset; }

 private:
  struct Seen {
    std::uint64_t offset = 0;
    std::uint64_t number = 0;
    std::uint64_t acknowledged = 0;  // blocks that this one or any behind it calls acknowledged
  };
  std::vector<Seen> seen_;         // by offset
  std::uint64_t nonzero_end_ = 0;  // end of the last page that is not all zero
};

}  // namespace sluice::segment
