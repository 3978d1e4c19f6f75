// See huge_memory.h.
#include "common/huge_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "common/assert.h"

namespace sluice {

HugeMemory::HugeMemory(std::size_t bytes, int file) : bytes_(std::max<std::size_t>(bytes, 1)) {
  const int kind = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_POPULATE;
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, kind, file, 0);
  if (memory == MAP_FAILED)
    assert_failed("no memory for what is taken at start-up: too many sessions or buffers", __FILE__, __LINE__);
  SLUICE_ASSERT(::madvise(memory, bytes_, MADV_DONTDUMP) == 0);
  (void)::madvise(memory, bytes_, MADV_HUGEPAGE);  // without transparent hugepages it works as well, more slowly
  data_ = static_cast<std::byte*>(memory);
}

HugeMemory::~HugeMemory() {
  ::munmap(data_, bytes_);
}

}  // namespace sluice
