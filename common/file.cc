// See file.h.
#include "common/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace sluice {
namespace {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool write_all(int fd, Bytes content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

Result<Fd> open_by(const std::string& path, int how) {
  Fd fd(::open(path.c_str(), how | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ENOENT) return fail(ErrorCode::not_found, path);
  return std::unexpected(system_error("opening " + path));
}

Result<Fd> open_to_read(const std::string& path) {
  return open_by(path, O_RDONLY);
}

// Of what was opened, which is then what is used: a name may be another file's a moment later.
Result<struct stat> status_of(const Fd& fd, const std::string& path) {
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(system_error("opening " + path));
  return status;
}

Result<void> check_trust(const struct stat& status, const std::string& path) {
  if ((status.st_mode & 022) != 0)
    return fail(ErrorCode::not_permitted, path + " may be written by others than its owner: chmod go-w it");
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return fail(ErrorCode::not_permitted, path + " belongs to somebody else than root or who runs this: chown root it");
  return {};
}

// Who may write a folder may put something else in the place of what is in it, unless the folder is sticky.
Result<void> check_folders(const std::string& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error) return fail(ErrorCode::io_failed, "opening " + path + ": " + error.message());
  for (std::filesystem::path folder = real.parent_path();; folder = folder.parent_path()) {
    struct stat status = {};
    if (::stat(folder.c_str(), &status) != 0) return std::unexpected(system_error("opening " + folder.string()));
    if ((status.st_mode & S_ISVTX) != 0 && status.st_uid == 0) status.st_mode &= ~022U;
    if (auto trusted = check_trust(status, folder.string()); !trusted) return trusted;
    if (folder == folder.root_path()) return {};
  }
}

template <class Content>
Result<Content> read_all(const Fd& fd, const std::string& path, std::size_t max_bytes) {
  Content content;
  for (;;) {
    constexpr std::size_t kStep = 64 * 1024;
    const std::size_t had = content.size();
    content.resize(had + kStep);
    const ssize_t n = ::read(fd.get(), content.data() + had, kStep);
    content.resize(had + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(system_error("reading " + path));
    if (content.size() > max_bytes)
      return fail(ErrorCode::io_failed, path + " is larger than " + std::to_string(max_bytes) + " bytes");
    if (n == 0) return content;
  }
}

}  // namespace

Error system_error(const std::string& what) {
  return {ErrorCode::io_failed, what + ": " + std::system_category().message(errno)};
}

Result<std::vector<std::uint8_t>> read_file(const std::string& path, std::size_t max_bytes) {
  const auto fd = open_to_read(path);
  if (!fd) return std::unexpected(fd.error());
  return read_all<std::vector<std::uint8_t>>(*fd, path, max_bytes);
}

Result<std::string> read_secret_file(const std::string& path, std::size_t max_bytes) {
  const auto fd = open_to_read(path);
  if (!fd) return std::unexpected(fd.error());
  const auto status = status_of(*fd, path);
  if (!status) return std::unexpected(status.error());
  if ((status->st_mode & 077) != 0)
    return fail(ErrorCode::bad_argument,
                path + " may be read by others than its owner: make it 0600, chmod 600 " + path);
  return read_all<std::string>(*fd, path, max_bytes);
}

Result<std::string> read_trusted_file(const std::string& path, std::size_t max_bytes) {
  const auto fd = open_to_read(path);
  if (!fd) return std::unexpected(fd.error());
  const auto status = status_of(*fd, path);
  if (!status) return std::unexpected(status.error());
  if (auto trusted = check_trust(*status, path); !trusted) return std::unexpected(trusted.error());
  return read_all<std::string>(*fd, path, max_bytes);
}

Result<void> check_trusted_program(const std::string& path) {
  const auto fd = open_by(path, O_PATH);  // one may be run and not read
  if (!fd) return std::unexpected(fd.error());
  const auto status = status_of(*fd, path);
  if (!status) return std::unexpected(status.error());
  if (!S_ISREG(status->st_mode) || ::access(path.c_str(), X_OK) != 0)
    return fail(ErrorCode::bad_argument, path + " cannot be run");
  if (auto trusted = check_trust(*status, path); !trusted) return trusted;
  return check_folders(path);
}

Result<FileReplacement> FileReplacement::prepare(const std::string& path, Bytes content, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return std::unexpected(system_error("creating a file beside " + path));
  FileReplacement replacement(path, temporary);
  if (::fchmod(fd.get(), mode) != 0 || !write_all(fd.get(), content) || ::fsync(fd.get()) != 0)
    return std::unexpected(system_error("writing " + temporary));
  return replacement;
}

FileReplacement::FileReplacement(FileReplacement&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}

FileReplacement::~FileReplacement() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> FileReplacement::commit() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return std::unexpected(system_error("replacing " + path_));
  temporary_.clear();
  const Fd directory(::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0)
    return std::unexpected(system_error("syncing the directory of " + path_));
  return {};
}

Result<void> replace_file(const std::string& path, Bytes content, mode_t mode) {
  auto replacement = FileReplacement::prepare(path, content, mode);
  if (!replacement) return std::unexpected(replacement.error());
  return replacement->commit();
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) return fail(ErrorCode::io_failed, "creating " + path + ": " + error.message());
  if (made && ::chmod(path.c_str(), mode) != 0) return std::unexpected(system_error("setting the mode of " + path));
  return {};
}

Result<Fd> lock_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return std::unexpected(system_error("opening " + path));
  char pid[32] = {};
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(system_error("locking " + path));
    const bool named = ::pread(fd.get(), pid, sizeof pid - 1, 0) > 0;
    return fail(ErrorCode::already_running, path + " is held by process " + (named ? pid : "unknown"));
  }
  const int length = std::snprintf(pid, sizeof pid, "%d", static_cast<int>(::getpid()));
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid, static_cast<std::size_t>(length), 0) != length)
    return std::unexpected(system_error("writing " + path));
  return fd;
}

}  // namespace sluice
