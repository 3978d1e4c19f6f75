// See sealed_memory.h.
#include "common/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "common/file.h"

namespace sluice {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<Fd> make_sealed_memory(const char* name, Bytes content) {
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return std::unexpected(system_error("memfd_create"));
  for (Bytes rest = content; !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(system_error("writing a memfd"));
    rest = rest.subspan(static_cast<std::size_t>(n));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return std::unexpected(system_error("sealing a memfd"));
  return fd;
}

Result<SealedMemory> SealedMemory::map(const Fd& fd, std::uint64_t size_bytes) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals)
    return fail(ErrorCode::channel_bad_message, "the passed descriptor is no sealed memory");
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(system_error("fstat of passed memory"));
  if (size_bytes == 0 || static_cast<std::uint64_t>(status.st_size) != size_bytes)
    return fail(ErrorCode::channel_bad_message, "the passed memory has " + std::to_string(status.st_size) +
                                                    " bytes, announced were " + std::to_string(size_bytes));
  void* data = ::mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return std::unexpected(system_error("mapping passed memory"));
  return SealedMemory(static_cast<const std::uint8_t*>(data), size_bytes);
}

SealedMemory::SealedMemory(SealedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SealedMemory::~SealedMemory() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace sluice
