// Reads a rule file of gitleaks (TOML). The file is not trusted: its size is bounded, and whatever is not as it should
// be is told with its line and column.
#pragma once

#include <expected>
#include <string_view>

#include "rules/import/source.h"
#include "rules/problem.h"

namespace sluice::rules::import {

inline constexpr std::size_t kMaxTomlBytes = 4 * 1024 * 1024;

std::expected<SourceFile, Problems> read_gitleaks(std::string_view toml, std::string_view file_name);

}  // namespace sluice::rules::import
