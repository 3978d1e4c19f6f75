// The Disk of production: io_uring, O_DIRECT where the file system takes it, block buffers registered.
#pragma once

#include <liburing.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/record/disk.h"
#include "segment/aligned_buffer.h"

namespace sluice::record {

class UringDisk final : public Disk {
 public:
  // `buffers` is registered with the ring where the kernel allows it; `doorbell_fd` is an eventfd that ends a wait.
  // Fails in words when io_uring is not to be had.
  static Result<std::unique_ptr<UringDisk>> make(const std::string& directory, MutableBytes buffers, int doorbell_fd);
  ~UringDisk() override;
  UringDisk(const UringDisk&) = delete;
  UringDisk& operator=(const UringDisk&) = delete;

  Result<FileId> create(const std::string& path, Bytes header) override;
  int reserve(FileId file, std::uint64_t offset, std::uint64_t bytes) override;
  int truncate(FileId file, std::uint64_t bytes) override;
  void close(FileId file) override;
  void write(FileId file, std::uint64_t offset, Bytes bytes, std::uint64_t token) override;
  void sync(FileId file, std::uint64_t token) override;
  std::size_t wait(DurationNs timeout, std::span<Completion> out) override;

  // What is not as it should be, in words: no registered buffers, no O_DIRECT; empty when all is well.
  [[nodiscard]] std::string note() const;

 private:
  UringDisk(std::string directory, MutableBytes buffers, int doorbell_fd);
  Result<void> start();
  io_uring_sqe* entry(std::uint64_t token);
  void listen();
  Result<void> make_folders(const std::string& path);
  Result<int> create_file(const std::string& path, Bytes header);
  int sync_folder(const std::string& path) const;

  std::string directory_;
  MutableBytes buffers_;
  int doorbell_fd_;
  std::uint64_t doorbell_count_ = 0;  // read into
  int directory_fd_ = -1;
  io_uring ring_{};
  bool ring_up_ = false;
  bool listening_ = false;
  bool registered_ = false;
  bool direct_refused_ = false;
  std::vector<int> fds_;                    // by FileId; -1: free
  std::vector<std::uint32_t> write_bytes_;  // by token: what its completion must say
};

}  // namespace sluice::record
