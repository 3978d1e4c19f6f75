// The archive's writer: one thread that empties the workers' pages into segments. start() recovers what a
// crash left behind, gives each worker its Recorder, and runs until stop(). A full or failing disk stops nothing but
// the acknowledgements: the writer keeps what it has, says what is wrong in status().error, and tries again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"
#include "dataplane/record/recorder.h"

namespace sluice::record {

struct ArchiveConfig {
  std::string directory;                       // made, with mode 0700, if it is not there
  std::uint64_t segment_bytes = 256ULL << 20;  // a segment is closed before it grows beyond this
  std::size_t pages = 64;                      // of each worker
  std::size_t page_bytes = 512 * 1024;         // at least 256 KiB
  std::size_t block_bytes = 256 * 1024;        // the largest block; at least 192 KiB
  std::size_t block_buffers = 96;              // blocks that fill or are on their way to the disk
  std::size_t open_segments = 64;
  // A page is handed over at this age, or when something waits for it. A commit costs some 40 us of CPU, whatever is in
  // it.
  DurationNs group_commit = 10 * kMillisecond;
  DurationNs stop_within = 5 * kSecond;  // how long stop() tries, should the disk fail
};

struct ArchiveRecovery {
  std::uint64_t segments = 0;      // that had no footer and have one now
  std::uint64_t removed = 0;       // that never held an acknowledged record
  std::uint64_t cut_bytes = 0;     // of torn tails
  std::vector<std::string> notes;  // one line for each segment that was cut, removed or could not be recovered
};

struct ArchiveStatus {
  std::uint64_t records_appended = 0;
  std::uint64_t records_durable = 0;
  std::uint64_t record_bytes = 0;   // encoded
  std::uint64_t written_bytes = 0;  // on disk, with headers and padding
  std::uint64_t blocks = 0;
  std::uint64_t batches = 0;
  std::uint64_t syncs = 0;
  std::uint64_t segments = 0;
  std::uint64_t stalls = 0;       // times a worker found no room
  std::uint64_t gap_records = 0;  // left out under best_effort
  std::uint64_t gap_bytes = 0;
  std::uint64_t errors = 0;
  DurationNs cpu_ns = 0;  // of the writer's thread
  std::string error;      // what is wrong now, for people; empty when the archive is well
  std::string note;       // what works, but slower than it could
};

class ArchiveWriter {
 public:
  // Fails in words when the directory cannot be used, another writer has it, or io_uring is not to be had.
  static Result<std::unique_ptr<ArchiveWriter>> start(const ArchiveConfig& config, unsigned workers);
  ~ArchiveWriter();  // stops
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Worker `worker`'s own end; lives as long as the writer.
  Recorder& recorder(unsigned worker);
  // From any thread.
  [[nodiscard]] ArchiveStatus status() const;
  [[nodiscard]] const ArchiveRecovery& recovery() const;

  // After the workers have ended: writes what they left, and footers. Fails when not all of it came to the disk.
  Result<void> stop();

 private:
  class Impl;
  explicit ArchiveWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::record
