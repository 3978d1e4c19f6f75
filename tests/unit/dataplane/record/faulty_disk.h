// A Disk in memory that remembers what was synced and what was only written, fails when it is told to, and
// can lose its power: of what was not synced, any sector may then be there or not.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "common/random.h"
#include "dataplane/record/disk.h"
#include "segment/layout.h"

namespace sluice::record::test {

class FaultyDisk final : public Disk {
 public:
  explicit FaultyDisk(std::uint64_t seed = 1) : random_(seed) {}

  // Room for this many more bytes; errors of the next writes and syncs (errno), one each.
  std::uint64_t room = ~std::uint64_t{0};
  int create_error = 0;
  std::deque<int> write_errors;
  std::deque<int> sync_errors;

  std::uint64_t writes = 0;
  std::uint64_t rewrites_of_acknowledged_bytes = 0;  // must stay 0

  Result<FileId> create(const std::string& path, Bytes header) override {
    if (create_error != 0) return fail(ErrorCode::archive_io, std::strerror(create_error));
    if (names_.contains(path)) return fail(ErrorCode::conflict, path);
    names_[path] = files_.size();
    files_.push_back({path, {header.begin(), header.end()}, {header.begin(), header.end()}, {}, true, header.size()});
    return static_cast<FileId>(files_.size() - 1);
  }
  int reserve(FileId file, std::uint64_t offset, std::uint64_t bytes) override {
    File& f = files_[file];
    if (offset + bytes <= f.now.size()) return 0;
    const std::uint64_t more = offset + bytes - f.now.size();
    if (more > room) return ENOSPC;
    room -= more;
    f.now.resize(offset + bytes);
    return 0;
  }
  int truncate(FileId file, std::uint64_t bytes) override {
    files_[file].now.resize(bytes);
    return 0;
  }
  void close(FileId file) override { files_[file].open = false; }

  void write(FileId file, std::uint64_t offset, Bytes bytes, std::uint64_t token) override {
    if (offset % segment::kAlign != 0 || bytes.size() % segment::kAlign != 0) std::abort();
    ++writes;
    int error = 0;
    if (!write_errors.empty()) {
      error = write_errors.front();
      write_errors.pop_front();
    }
    File& f = files_[file];
    if (error == 0) {
      if (offset < f.acknowledged_end) ++rewrites_of_acknowledged_bytes;
      if (f.now.size() < offset + bytes.size()) f.now.resize(offset + bytes.size());
      std::copy(bytes.begin(), bytes.end(), f.now.begin() + static_cast<std::ptrdiff_t>(offset));
      f.dirty.push_back({offset, bytes.size()});
      f.written_end = std::max(f.written_end, offset + bytes.size());
    }
    pending_.push_back({token, error});
  }
  void sync(FileId file, std::uint64_t token) override {
    int error = 0;
    if (!sync_errors.empty()) {
      error = sync_errors.front();
      sync_errors.pop_front();
    }
    File& f = files_[file];
    if (error != 0) {
      // As the kernel does: what was dirty is dropped, and the next sync would say that all is well.
      for (const auto& [offset, size] : f.dirty)
        std::fill_n(f.now.begin() + static_cast<std::ptrdiff_t>(offset), size, std::uint8_t{0xdd});
    } else {
      f.synced = f.now;
      f.synced_end = f.written_end;
    }
    f.dirty.clear();
    pending_.push_back({token, error});
  }
  // Completes in any order, up to as many as `out` takes.
  std::size_t wait(DurationNs, std::span<Completion> out) override {
    std::size_t count = 0;
    while (count < out.size() && !pending_.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(random_.below(pending_.size()));
      out[count++] = pending_[static_cast<std::size_t>(at)];
      pending_.erase(pending_.begin() + at);
    }
    return count;
  }

  // The writer says that all which was synced is acknowledged.
  void acknowledge() {
    for (File& f : files_) f.acknowledged_end = f.synced_end;
  }
  // What is on the disk after the power went: path, bytes.
  std::map<std::string, std::vector<std::uint8_t>> after_power_loss() {
    std::map<std::string, std::vector<std::uint8_t>> out;
    for (const File& f : files_) {
      constexpr std::size_t kSector = 512;
      std::vector<std::uint8_t> bytes = f.synced;
      if (random_.chance(1, 2)) bytes.resize(std::max(bytes.size(), f.now.size()));
      for (const auto& [offset, size] : f.dirty)
        for (std::size_t at = offset; at < offset + size && at + kSector <= f.now.size(); at += kSector) {
          if (random_.chance(1, 3)) continue;
          if (bytes.size() < at + kSector) bytes.resize(at + kSector);
          std::copy_n(f.now.begin() + static_cast<std::ptrdiff_t>(at), kSector,
                      bytes.begin() + static_cast<std::ptrdiff_t>(at));
        }
      out[f.path] = std::move(bytes);
    }
    return out;
  }
  std::map<std::string, std::vector<std::uint8_t>> contents() const {
    std::map<std::string, std::vector<std::uint8_t>> out;
    for (const File& f : files_) out[f.path] = f.now;
    return out;
  }
  [[nodiscard]] std::size_t open_files() const {
    std::size_t count = 0;
    for (const File& f : files_) count += f.open ? 1 : 0;
    return count;
  }

 private:
  struct File {
    std::string path;
    std::vector<std::uint8_t> now;
    std::vector<std::uint8_t> synced;
    std::vector<std::pair<std::uint64_t, std::size_t>> dirty;
    bool open = true;
    std::uint64_t synced_end = 0;
    std::uint64_t written_end = 0;
    std::uint64_t acknowledged_end = 0;
  };
  Random random_;
  std::vector<File> files_;
  std::map<std::string, std::size_t> names_;
  std::vector<Completion> pending_;
};

}  // namespace sluice::record::test
