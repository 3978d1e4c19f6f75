// Which part of a match is the secret. Gitleaks takes the group that a rule names, or else the first group that
// matched something; our rules name one group. So a regular expression whose alternatives have each their own group
// becomes several, one for each.
#pragma once

#include <cstdint>
#include <vector>

#include "rules/import/note.h"
#include "rules/import/regex.h"

namespace sluice::rules::import {

inline constexpr std::size_t kMaxAlternatives = 16;

// Each with one group, which is the secret, or none: then the whole match is. `wanted` is the group's number, 0 for the
// first that there is.
std::vector<Regex> with_one_group(const Regex& regex, std::uint32_t wanted, Notes& notes);
bool has_group(const Regex& regex);

}  // namespace sluice::rules::import
