// A pack as YAML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/import/rule.h"

namespace sluice::rules::import {

// `head` is put in front, a comment a line.
std::string pack_text(std::string_view name, std::string_view about, std::string_view head,
                      const std::vector<NewRule>& rules);

}  // namespace sluice::rules::import
