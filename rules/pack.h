// Packs: files of ready-made detectors, each with samples that it must and must not find.
// A pack's name is its file's name without ".yaml"; the name decides the path and can not leave the folder.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "rules/problem.h"
#include "rules/rule.h"

namespace sluice::rules {

// Where packs are installed; in a build tree without an installation, the source's own folder.
std::filesystem::path default_pack_directory();

class PackSource {
 public:
  explicit PackSource(std::filesystem::path directory = default_pack_directory());

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  // Sorted; empty when the folder is missing.
  [[nodiscard]] std::vector<std::string> names() const;
  // The file of a pack, whether or not it exists; empty for a name that no pack can have.
  [[nodiscard]] std::filesystem::path path_of(std::string_view name) const;
  // not_found for a pack that does not exist.
  [[nodiscard]] Result<std::string> read(std::string_view name) const;

 private:
  std::filesystem::path directory_;
};

struct Pack {
  std::string name;
  std::string about;
  std::vector<Rule> rules;
};

std::expected<Pack, Problems> parse_pack(std::string_view yaml, std::string_view name, std::string_view file_name);

}  // namespace sluice::rules
