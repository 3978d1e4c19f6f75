// The file that a worker's trace lies in while it runs. A worker that dies leaves it behind, for `sluice trace --read`;
// one that stops in order takes it away.
#pragma once

#include <string>

#include "common/error.h"
#include "common/fd.h"

namespace sluice {

class TraceFile {
 public:
  // Makes <run>/trace-0.ring (0600); what died before is kept beside it as trace-0.died. Only in a file system that
  // lies in memory: a worker must not wait for a disk. Elsewhere fd() is -1, and the trace goes with the process.
  static Result<TraceFile> make(const std::string& run);

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Where the trace of a process that died now lies; empty for none.
  [[nodiscard]] const std::string& died() const { return died_; }
  // The process stops in order: nobody will ask what it did last.
  void remove();

 private:
  std::string path_;
  std::string died_;
  Fd fd_;
};

}  // namespace sluice
