// See recovery.h.
#include "segment/recovery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "segment/footer.h"

namespace sluice::segment {
namespace {

// A file open for writing; synced and closed by finish().
class Editor {
 public:
  explicit Editor(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY)), good_(fd_ >= 0) {}
  ~Editor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  void truncate(std::uint64_t bytes) { good_ = good_ && ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0; }
  void write(std::uint64_t offset, Bytes bytes) {
    while (good_ && !bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      good_ = n > 0;
      if (!good_) break;
      offset += static_cast<std::uint64_t>(n);
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
  }
  Result<void> finish() {
    good_ = good_ && ::fsync(fd_) == 0;
    if (good_) return {};
    return fail(ErrorCode::archive_io, fmt::format("recovering {}: {}", path_, std::strerror(errno)));
  }

 private:
  std::string path_;
  int fd_;
  bool good_;
};

struct Judged {
  Report report;
  Footer footer;  // as the walk found it
};

Result<Judged> judge(const std::string& path) {
  auto reader = Reader::open(path);
  if (!reader) return std::unexpected(reader.error());
  FooterIndex index;
  auto walk = reader->walk(
      {},
      [&](const schema::log::Record& record, const Location& where) {
        index.add_record(record.session(), record.wall_ns(), where.block);
        return true;
      },
      [&](const BlockHeader& block, std::uint64_t offset) {
        index.add_block({offset, block.stored_bytes, block.records, block.first_wall, block.last_wall});
      });
  if (!walk) return std::unexpected(walk.error());
  Judged judged;
  judged.report.header = reader->header();
  judged.report.walk = std::move(*walk);
  judged.report.sessions = index.sessions();
  judged.footer = index.footer();
  judged.report.first_wall = judged.footer.first_wall;
  judged.report.last_wall = judged.footer.last_wall;
  if (judged.report.walk.tail == Tail::sealed) {
    const auto footer = reader->footer();
    judged.report.index_holds = footer && *footer == judged.footer;
  }
  return judged;
}

// True when the header was never written: then nothing in the file was ever acknowledged.
Result<bool> never_began(const std::string& path) {
  auto source = file_source(path);
  if (!source) return std::unexpected(source.error());
  AlignedBuffer page(kHeaderBytes);
  const auto got = (*source)->read_at(0, page.bytes());
  if (!got) return std::unexpected(got.error());
  if (*got < kHeaderBytes) return true;
  return std::ranges::all_of(page.bytes(), [](std::uint8_t byte) { return byte == 0; });
}

std::string where(const Walk& walk, const std::string& path) {
  return fmt::format("{}: {} damaged place(s), the first at offset {} ({}); nothing was changed", path,
                     walk.damage_count, walk.damages.front().offset, error_name(walk.damages.front().error));
}

}  // namespace

Result<Report> verify(const std::string& path) {
  auto judged = judge(path);
  if (!judged) return std::unexpected(judged.error());
  return std::move(judged->report);
}

Result<Recovery> cut_torn_tail(const std::string& path) {
  const auto report = verify(path);
  if (!report) return std::unexpected(report.error());
  const Walk& walk = report->walk;
  if (walk.damage_count != 0) return fail(ErrorCode::segment_bad_checksum, where(walk, path));
  Recovery recovery{0, walk.records, false, false};
  if (walk.tail != Tail::torn) return recovery;
  recovery.cut_bytes = walk.file_bytes - walk.next.offset;
  Editor editor(path);
  editor.truncate(walk.next.offset);
  if (auto done = editor.finish(); !done) return std::unexpected(done.error());
  return recovery;
}

Result<Recovery> recover(const std::string& path) {
  const auto judged = judge(path);
  if (!judged) {
    const auto empty = never_began(path);
    if (!empty || !*empty) return std::unexpected(judged.error());
    if (::unlink(path.c_str()) != 0)
      return fail(ErrorCode::archive_io, fmt::format("removing {}: {}", path, std::strerror(errno)));
    return Recovery{0, 0, false, true};
  }
  const Walk& walk = judged->report.walk;
  if (walk.damage_count != 0) return fail(ErrorCode::segment_bad_checksum, where(walk, path));
  Recovery recovery{0, walk.records, false, false};
  if (walk.tail == Tail::sealed) return recovery;
  if (walk.tail == Tail::torn) recovery.cut_bytes = walk.file_bytes - walk.next.offset;
  if (footer_payload_bytes(judged->footer) > kMaxPayloadBytes)
    return fail(ErrorCode::segment_bad_record, path + ": more blocks and sessions than a footer holds");
  const AlignedBuffer seal = seal_bytes(judged->footer, judged->report.header.segment_id, walk.next.offset);
  Editor editor(path);
  editor.truncate(walk.next.offset);
  editor.write(walk.next.offset, seal.bytes());
  if (auto done = editor.finish(); !done) return std::unexpected(done.error());
  recovery.sealed = true;
  return recovery;
}

bool looks_sealed(const std::string& path) {
  auto reader = Reader::open(path);
  return reader && reader->footer().has_value();
}

}  // namespace sluice::segment
