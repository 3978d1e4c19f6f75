// Where a reader's bytes come from: a file, or memory (tests and the fuzzer).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/bytes.h"
#include "common/error.h"

namespace sluice::segment {

class Source {
 public:
  virtual ~Source() = default;
  // May grow between calls while a segment is being written.
  virtual Result<std::uint64_t> size() = 0;
  // Reads up to out.size() bytes; fewer only where the source ends.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;
};

// Read with pread, never mapped: a file that is cut meanwhile ends a read early and raises no signal.
Result<std::unique_ptr<Source>> file_source(const std::string& path);
// The bytes must outlive the source.
std::unique_ptr<Source> memory_source(Bytes bytes);

}  // namespace sluice::segment
