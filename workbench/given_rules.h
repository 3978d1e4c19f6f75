// The rules that a command is about: those of policy files, of packs, or of all packs when nothing is named.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "rules/rule.h"

namespace sluice::workbench {

struct GivenNames {
  std::vector<std::string> policies;  // files
  std::vector<std::string> packs;
  std::filesystem::path pack_directory;  // empty: the installed one
};

// Each rule once, in the order of the files. An error lists every problem of a file.
Result<std::vector<rules::Rule>> read_given(const GivenNames& names);

// Leaves those that look for something in a text.
void keep_looking(std::vector<rules::Rule>& rules);

// The one rule with this name among those given, and all packs besides; the error names those that come near.
Result<rules::Rule> find_rule(const GivenNames& names, const std::string& rule);

}  // namespace sluice::workbench
