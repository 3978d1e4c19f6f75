// See reviewer.h.
#include "control/api/reviewer.h"

#include <grp.h>
#include <pwd.h>

#include <optional>

namespace sluice::control {
namespace {

constexpr std::size_t kEntryBytes = 64 * 1024;
constexpr int kMostGroups = 4096;

std::optional<std::string> group_name(gid_t gid) {
  std::vector<char> buffer(kEntryBytes);
  group entry = {};
  group* found = nullptr;
  if (::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gr_name;
}

}  // namespace

Reviewer reviewer_of(uid_t uid) {
  Reviewer reviewer{.uid = uid, .name = "uid " + std::to_string(uid), .groups = {}};
  std::vector<char> buffer(kEntryBytes);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return reviewer;
  reviewer.name = found->pw_name;
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) {
    if (count > kMostGroups) return reviewer;
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) return reviewer;
  }
  groups.resize(static_cast<std::size_t>(count));
  for (const gid_t gid : groups)
    if (auto name = group_name(gid)) reviewer.groups.push_back(std::move(*name));
  return reviewer;
}

}  // namespace sluice::control
