// Finds the archive's segment files. A directory that did not change since it was listed is not listed again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace sluice::control {

class SegmentFiles {
 public:
  explicit SegmentFiles(std::string root) : root_(std::move(root)) {}

  // Files in directories that are new or changed, as paths below the root; some may have been told before.
  // `now` is the wall clock. An archive that does not exist yet is empty.
  Result<std::vector<std::string>> discover(WallNs now);
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  struct Directory {
    WallNs modified = 0;
    std::vector<std::string> children;  // directories
  };
  Result<void> visit(const std::string& below, int depth, WallNs now, std::vector<std::string>& found);

  std::string root_;
  std::map<std::string, Directory> directories_;
};

// A file's last change, 0 when it is not there.
struct FileStamp {
  WallNs modified = 0;
  std::uint64_t size_bytes = 0;
  bool operator==(const FileStamp&) const = default;
};
FileStamp stamp_of(const std::string& path);
// A change this young may be followed by another with the same time stamp.
inline constexpr DurationNs kStampSettles = 2 * kSecond;

}  // namespace sluice::control
