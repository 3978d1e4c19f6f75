// The seam between the writer and the file system. Writes and syncs are queued and complete later, in any
// order; nothing counts as kept until a sync that was queued after the write's completion has succeeded.
// UringDisk is the real one; tests have one that fails, forgets and dies.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "common/bytes.h"
#include "common/error.h"
#include "common/time.h"

namespace sluice::record {

using FileId = std::uint32_t;

struct Completion {
  std::uint64_t token = 0;
  int error = 0;  // errno; 0: done, whole
};

class Disk {
 public:
  virtual ~Disk() = default;

  // Creates the file below the archive's directory, folders included, with `header` (kHeaderBytes) in it;
  // all of that is on disk when it returns. ErrorCode::conflict: the name exists.
  virtual Result<FileId> create(const std::string& path, Bytes header) = 0;
  // Both at once, and both return an errno. Allocates [offset, offset + bytes) ahead, where the file system can.
  virtual int reserve(FileId file, std::uint64_t offset, std::uint64_t bytes) = 0;
  virtual int truncate(FileId file, std::uint64_t bytes) = 0;
  // Nothing of the file may be in flight.
  virtual void close(FileId file) = 0;

  // Offset, address and length are multiples of 4096; the bytes stay untouched until completion.
  virtual void write(FileId file, std::uint64_t offset, Bytes bytes, std::uint64_t token) = 0;
  virtual void sync(FileId file, std::uint64_t token) = 0;
  // Starts what is queued, waits for a completion, the doorbell or the end of the time, and returns how many
  // completions it put in `out`.
  virtual std::size_t wait(DurationNs timeout, std::span<Completion> out) = 0;
};

}  // namespace sluice::record
