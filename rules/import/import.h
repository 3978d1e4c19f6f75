// Another scanner's rule file becomes a pack of ours, and a report says of each rule what became of it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "rules/import/rule.h"
#include "rules/problem.h"

namespace sluice::rules::import {

struct Imported {
  std::string pack;  // YAML; parse_pack() has read it
  std::size_t rules = 0;
  std::vector<RuleReport> reports;
  std::vector<std::string> remarks;

  [[nodiscard]] std::size_t count(Outcome outcome) const;
};

// Of gitleaks (TOML). Fails when the file can not be read, or no rule of it can be taken.
std::expected<Imported, Problems> import_gitleaks(std::string_view toml, std::string_view file_name,
                                                  std::string_view pack_name);

// For people.
std::string report_text(const Imported& imported, std::string_view file_name);

}  // namespace sluice::rules::import
