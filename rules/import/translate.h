// From a regular expression of another scanner to expressions of ours that find the same, as far as a bounded language
// on a stream can: what differs is told.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "rules/import/note.h"
#include "rules/import/regex.h"

namespace sluice::rules::import {

struct Wanted {
  std::uint32_t group = 0;  // which is the secret; 0 for the first
  // The bytes before what must be there are of interest too: somebody looks at the match as a whole.
  bool keep_lead = false;
};

struct Expressed {
  Regex tree;  // as it is printed: bounded, at most one group
  std::string expression;
  bool caseless = false;
  bool grouped = false;  // its group 1 is the secret
};

// One or more, that together find what `regex` does; or why it can not be said.
std::expected<std::vector<Expressed>, std::string> translate(const Regex& regex, const Wanted& wanted, Notes& notes);

}  // namespace sluice::rules::import
