// See segment_files.h.
#include "control/archive/segment_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace sluice::control {
namespace {

constexpr int kPeriodDepth = 3;  // <service>/<class>/<period>/<sequence>.seg

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat status = {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  return {static_cast<WallNs>(status.st_mtim.tv_sec) * kSecond + static_cast<WallNs>(status.st_mtim.tv_nsec),
          static_cast<std::uint64_t>(status.st_size)};
}

Result<std::vector<std::string>> SegmentFiles::discover(WallNs now) {
  std::vector<std::string> found;
  if (auto visited = visit("", 0, now, found); !visited) return std::unexpected(visited.error());
  return found;
}

Result<void> SegmentFiles::visit(const std::string& below, int depth, WallNs now, std::vector<std::string>& found) {
  const std::string path = below.empty() ? root_ : root_ + "/" + below;
  const WallNs modified = stamp_of(path).modified;
  Directory& directory = directories_[below];
  if (directory.modified != modified || modified + kStampSettles > now) {
    directory = {modified, {}};
    std::error_code error;
    std::filesystem::directory_iterator entries(path, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (const std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
      const std::string name = entries->path().filename().string();
      const auto type = entries->symlink_status(error).type();
      if (error) break;
      std::string child = below.empty() ? name : below + "/" + name;
      if (depth < kPeriodDepth && type == std::filesystem::file_type::directory)
        directory.children.push_back(std::move(child));
      else if (depth == kPeriodDepth && type == std::filesystem::file_type::regular && name.ends_with(".seg"))
        found.push_back(std::move(child));
    }
    if (error) {
      directory.modified = 0;
      return fail(ErrorCode::archive_io, "listing " + path + ": " + error.message());
    }
  }
  for (const std::string& child : directories_[below].children) {
    if (auto visited = visit(child, depth + 1, now, found); !visited) return visited;
  }
  return {};
}

}  // namespace sluice::control
