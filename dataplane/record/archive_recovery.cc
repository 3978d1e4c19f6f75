// See archive_recovery.h.
#include "dataplane/record/archive_recovery.h"

#include <fmt/format.h>

#include <filesystem>

#include "segment/recovery.h"

namespace sluice::record {
namespace {

void recover_one(const std::string& path, ArchiveRecovery& out) {
  const auto recovered = segment::recover(path);
  if (!recovered) {
    out.notes.push_back(recovered.error().message());
    return;
  }
  out.cut_bytes += recovered->cut_bytes;
  if (recovered->removed) {
    ++out.removed;
    out.notes.push_back(fmt::format("{}: held nothing yet; removed", path));
  } else if (recovered->sealed) {
    ++out.segments;
    out.notes.push_back(fmt::format("{}: sealed with {} records; {} bytes of a torn tail were cut", path,
                                    recovered->records, recovered->cut_bytes));
  }
}

}  // namespace

ArchiveRecovery recover_archive(const std::string& directory) {
  namespace fs = std::filesystem;
  ArchiveRecovery out;
  std::error_code error;
  fs::recursive_directory_iterator at(directory, error);
  while (!error && at != fs::recursive_directory_iterator()) {
    std::error_code unknown;
    const fs::directory_entry& entry = *at;
    if (entry.path().extension() == ".seg" && fs::is_regular_file(entry.symlink_status(unknown)) &&
        !segment::looks_sealed(entry.path().string()))
      recover_one(entry.path().string(), out);
    at.increment(error);
  }
  if (error) out.notes.push_back(fmt::format("{} could not be searched: {}", directory, error.message()));
  return out;
}

}  // namespace sluice::record
