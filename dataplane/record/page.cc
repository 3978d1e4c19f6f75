// See page.h.
#include "dataplane/record/page.h"

#include <sys/mman.h>

namespace sluice::record {

PrivateMemory::PrivateMemory(std::size_t bytes) : size_(bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  SLUICE_ASSERT(::madvise(memory, bytes, MADV_DONTDUMP) == 0);
  (void)::madvise(memory, bytes, MADV_HUGEPAGE);  // a kernel without transparent hugepages does as well, more slowly
  if (::madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) {
    ::munmap(memory, bytes);
    return;
  }
  data_ = static_cast<std::uint8_t*>(memory);
}

PrivateMemory::~PrivateMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

PagePool::PagePool(std::size_t pages, std::size_t page_bytes)
    : page_bytes_(page_bytes), memory_(pages * page_bytes), pages_(pages) {
  if (!good()) return;
  for (std::size_t i = 0; i < pages; ++i) {
    pages_[i].data = memory_.data() + i * page_bytes;
    pages_[i].bytes = static_cast<std::uint32_t>(page_bytes);
    pages_[i].clear();
  }
}

}  // namespace sluice::record
