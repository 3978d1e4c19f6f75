// See trace_file.h.
#include "dataplane/trace_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/file.h"
#include "common/trace_ring.h"

namespace sluice {

Result<TraceFile> TraceFile::make(const std::string& run) {
  TraceFile file;
  file.path_ = run + "/trace-0.ring";
  const std::string died = run + "/trace-0.died";
  if (::rename(file.path_.c_str(), died.c_str()) == 0)
    file.died_ = died;
  else if (errno != ENOENT)
    return std::unexpected(system_error("renaming " + file.path_));

  struct statfs where = {};
  if (::statfs(run.c_str(), &where) != 0) return std::unexpected(system_error("looking at " + run));
  if (where.f_type != TMPFS_MAGIC) return file;
  file.fd_ = Fd(::open(file.path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.fd_.valid()) return std::unexpected(system_error("making " + file.path_));
  // All of it now: no room later would be a signal in the middle of a burst.
  if (const int error = ::posix_fallocate(file.fd_.get(), 0, TraceRing::kBytes); error != 0) {
    file.remove();
    errno = error;
    return std::unexpected(system_error("making room for " + file.path_));
  }
  return file;
}

void TraceFile::remove() {
  if (fd_.valid()) (void)::unlink(path_.c_str());
  fd_.reset();
}

}  // namespace sluice
