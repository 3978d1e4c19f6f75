// See lane.h.
#include "dataplane/record/lane.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "common/assert.h"

namespace sluice::record {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_CLOEXEC)) {
  SLUICE_ASSERT(fd_ >= 0);
}

Doorbell::~Doorbell() {
  ::close(fd_);
}

void Doorbell::wake() {
  const std::uint64_t one = 1;
  // Cannot block or fail: the counter would have to reach 2^64 - 2.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

}  // namespace sluice::record
