// See source.h.
#include "segment/source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::segment {
namespace {

std::unexpected<Error> failed(const std::string& path, const char* what) {
  return fail(ErrorCode::archive_io, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

class FileSource final : public Source {
 public:
  FileSource(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~FileSource() override { ::close(fd_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  Result<std::uint64_t> size() override {
    struct stat info = {};
    if (::fstat(fd_, &info) != 0) return failed(path_, "stat of");
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed(path_, "reading");
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  int fd_;
  std::string path_;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(Bytes bytes) : bytes_(bytes) {}
  Result<std::uint64_t> size() override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(out.size(), bytes_.size() - offset);
    std::copy_n(bytes_.data() + offset, n, out.data());
    return n;
  }

 private:
  Bytes bytes_;
};

}  // namespace

Result<std::unique_ptr<Source>> file_source(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return failed(path, "opening");
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return fail(ErrorCode::archive_io, path + " is not a regular file");
  }
  return std::make_unique<FileSource>(fd, path);
}

std::unique_ptr<Source> memory_source(Bytes bytes) {
  return std::make_unique<MemorySource>(bytes);
}

}  // namespace sluice::segment
