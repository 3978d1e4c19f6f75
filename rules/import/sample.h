// Texts that a rule finds and does not find, made of its own expression: every rule of a pack has some, and what the
// import made of a rule is held to them at once.
#pragma once

#include <optional>
#include <string>

#include "rules/import/translate.h"

namespace sluice::rules::import {

struct Sample {
  std::string text;
  // Of its secret.
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] std::string_view secret() const { return std::string_view(text).substr(begin, end - begin); }
};

// Text that the tree matches, another for each `seed`; ends and neighbours are not looked at.
Sample make_sample(const Expressed& expressed, std::uint64_t seed);

// In bits a byte.
double entropy_of(std::string_view text);

}  // namespace sluice::rules::import
