// Files that are read whole or replaced whole: a reader sees the old content or the new one, also after a
// power cut, and never half of it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/fd.h"

namespace sluice {

// "opening /x/y: Permission denied", from errno.
Error system_error(const std::string& what);

// not_found when there is no such file; io_failed for everything else, also for a file above `max_bytes`.
Result<std::vector<std::uint8_t>> read_file(const std::string& path, std::size_t max_bytes);
// The same of a file that holds a secret: bad_argument where others than its owner may read it.
Result<std::string> read_secret_file(const std::string& path, std::size_t max_bytes);

// The same of a file that says what is run: not_permitted where somebody else than root or the running user owns it, or
// may write it. What is looked at is what is read.
Result<std::string> read_trusted_file(const std::string& path, std::size_t max_bytes);
// Whether a program, and every folder on the way to it, is as trusted; it is not read.
Result<void> check_trusted_program(const std::string& path);

// New content for `path`, safely on disk beside it, that takes its place at commit() and vanishes without it.
class FileReplacement {
 public:
  static Result<FileReplacement> prepare(const std::string& path, Bytes content, mode_t mode);
  FileReplacement(FileReplacement&& other) noexcept;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();
  Result<void> commit();

 private:
  FileReplacement(std::string path, std::string temporary) : path_(std::move(path)), temporary_(std::move(temporary)) {}
  std::string path_;
  std::string temporary_;  // empty once it is committed or moved from
};

Result<void> replace_file(const std::string& path, Bytes content, mode_t mode);

// Makes the directory and those above it; a directory that is there keeps its mode.
Result<void> make_directories(const std::string& path, mode_t mode);

// Holds the lock on a file for as long as it lives; the kernel gives it back when the process dies.
// already_running, with the holder's pid, when another process has it.
Result<Fd> lock_file(const std::string& path);

}  // namespace sluice
