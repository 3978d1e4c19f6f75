// See uring_disk.h.
#include "dataplane/record/uring_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/assert.h"

namespace sluice::record {
namespace {

constexpr unsigned kEntries = 256;
constexpr std::uint64_t kDoorbellToken = ~std::uint64_t{0};
constexpr std::uint32_t kIsSync = ~std::uint32_t{0};
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::unexpected<Error> failed(const char* what, const std::string& path, int error) {
  return fail(ErrorCode::archive_io, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

}  // namespace

UringDisk::UringDisk(std::string directory, MutableBytes buffers, int doorbell_fd)
    : directory_(std::move(directory)), buffers_(buffers), doorbell_fd_(doorbell_fd) {}

UringDisk::~UringDisk() {
  if (ring_up_) io_uring_queue_exit(&ring_);
  for (const int fd : fds_)
    if (fd >= 0) ::close(fd);
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<std::unique_ptr<UringDisk>> UringDisk::make(const std::string& directory, MutableBytes buffers,
                                                   int doorbell_fd) {
  std::unique_ptr<UringDisk> disk(new UringDisk(directory, buffers, doorbell_fd));
  if (auto started = disk->start(); !started) return std::unexpected(started.error());
  return disk;
}

Result<void> UringDisk::start() {
  directory_fd_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ < 0) return failed("opening the archive's directory", directory_, errno);
  if (const int error = io_uring_queue_init(kEntries, &ring_, 0); error < 0)
    return fail(ErrorCode::archive_io,
                fmt::format("io_uring is not available ({}); the recorder needs it: a kernel of 5.11 or later, "
                            "kernel.io_uring_disabled = 0, and no seccomp filter against it",
                            std::strerror(-error)));
  ring_up_ = true;
  if ((ring_.features & IORING_FEAT_EXT_ARG) == 0)
    return fail(ErrorCode::archive_io, "this kernel's io_uring is too old; the recorder needs 5.11 or later");
  const iovec all{buffers_.data(), buffers_.size()};
  registered_ = io_uring_register_buffers(&ring_, &all, 1) == 0;
  return {};
}

std::string UringDisk::note() const {
  std::string note;
  if (!registered_) note = "block buffers are not registered (RLIMIT_MEMLOCK?)";
  if (direct_refused_) note += note.empty() ? "the file system does not take O_DIRECT" : "; no O_DIRECT";
  return note;
}

Result<void> UringDisk::make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::mkdirat(directory_fd_, folder.c_str(), kFolderMode) != 0) {
      if (errno == EEXIST) continue;
      return failed("creating folder", folder, errno);
    }
    if (const int error = sync_folder(folder_of(folder)); error != 0) return failed("syncing folder", folder, error);
  }
  return {};
}

int UringDisk::sync_folder(const std::string& path) const {
  const int fd = ::openat(directory_fd_, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

Result<int> UringDisk::create_file(const std::string& path, Bytes header) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  int fd = ::openat(directory_fd_, path.c_str(), kFlags | O_DIRECT, kFileMode);
  if (fd < 0 && errno == EINVAL) {
    direct_refused_ = true;
    // Some file systems refuse only after they have made the file.
    ::unlinkat(directory_fd_, path.c_str(), 0);
    fd = ::openat(directory_fd_, path.c_str(), kFlags, kFileMode);
  }
  if (fd < 0 && errno == EEXIST) return fail(ErrorCode::conflict, path);
  if (fd < 0) return failed("creating", path, errno);
  int error = 0;
  if (const ssize_t n = ::pwrite(fd, header.data(), header.size(), 0); n != static_cast<ssize_t>(header.size()))
    error = n < 0 ? errno : ENOSPC;
  if (error == 0 && ::fdatasync(fd) != 0) error = errno;
  if (error == 0) error = sync_folder(folder_of(path));
  if (error == 0) return fd;
  ::close(fd);
  ::unlinkat(directory_fd_, path.c_str(), 0);
  return failed("writing the header of", path, error);
}

Result<FileId> UringDisk::create(const std::string& path, Bytes header) {
  if (auto made = make_folders(path); !made) return std::unexpected(made.error());
  const auto fd = create_file(path, header);
  if (!fd) return std::unexpected(fd.error());
  auto place = std::ranges::find(fds_, -1);
  if (place == fds_.end()) place = fds_.insert(fds_.end(), -1);
  *place = *fd;
  return static_cast<FileId>(place - fds_.begin());
}

int UringDisk::reserve(FileId file, std::uint64_t offset, std::uint64_t bytes) {
  if (::fallocate(fds_[file], 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) == 0) return 0;
  // Where the file system cannot allocate ahead, the write itself will tell.
  return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
}

int UringDisk::truncate(FileId file, std::uint64_t bytes) {
  return ::ftruncate(fds_[file], static_cast<off_t>(bytes)) == 0 ? 0 : errno;
}

void UringDisk::close(FileId file) {
  ::close(fds_[file]);
  fds_[file] = -1;
}

io_uring_sqe* UringDisk::entry(std::uint64_t token) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  if (token != kDoorbellToken && write_bytes_.size() <= token) write_bytes_.resize(token + 1);
  return sqe;
}

void UringDisk::write(FileId file, std::uint64_t offset, Bytes bytes, std::uint64_t token) {
  io_uring_sqe* sqe = entry(token);
  const auto length = static_cast<unsigned>(bytes.size());
  const bool ours = bytes.data() >= buffers_.data() && bytes.data() < buffers_.data() + buffers_.size();
  if (registered_ && ours)
    io_uring_prep_write_fixed(sqe, fds_[file], bytes.data(), length, offset, 0);
  else
    io_uring_prep_write(sqe, fds_[file], bytes.data(), length, offset);
  io_uring_sqe_set_data64(sqe, token);
  write_bytes_[token] = length;
}

void UringDisk::sync(FileId file, std::uint64_t token) {
  io_uring_sqe* sqe = entry(token);
  io_uring_prep_fsync(sqe, fds_[file], IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data64(sqe, token);
  write_bytes_[token] = kIsSync;
}

// Keeps one read of the doorbell in flight, so that it ends a wait like a completion.
void UringDisk::listen() {
  if (listening_) return;
  io_uring_sqe* sqe = entry(kDoorbellToken);
  io_uring_prep_read(sqe, doorbell_fd_, &doorbell_count_, sizeof doorbell_count_, 0);
  io_uring_sqe_set_data64(sqe, kDoorbellToken);
  listening_ = true;
}

std::size_t UringDisk::wait(DurationNs timeout, std::span<Completion> out) {
  listen();
  io_uring_cqe* cqe = nullptr;
  if (timeout == 0) {
    io_uring_submit(&ring_);
  } else {
    __kernel_timespec limit{static_cast<std::int64_t>(timeout / kSecond), static_cast<long long>(timeout % kSecond)};
    io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr);
  }
  std::size_t count = 0;
  while (count < out.size() && io_uring_peek_cqe(&ring_, &cqe) == 0) {
    const std::uint64_t token = io_uring_cqe_get_data64(cqe);
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_, cqe);
    if (token == kDoorbellToken) {
      listening_ = false;
      continue;
    }
    SLUICE_ASSERT(token < write_bytes_.size());
    int error = result < 0 ? -result : 0;
    // A write that ends early has met the end of the room; the block is written again as a whole.
    const std::uint32_t expected = write_bytes_[token];
    if (error == 0 && expected != kIsSync && static_cast<std::uint32_t>(result) != expected) error = ENOSPC;
    out[count++] = {token, error};
  }
  return count;
}

}  // namespace sluice::record
