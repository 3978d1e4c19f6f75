// A rule as it goes into a pack, and what is told about it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/conditions.h"
#include "rules/import/note.h"
#include "rules/problem.h"

namespace sluice::rules::import {

struct NewRule {
  std::string name{};
  std::string about{};
  std::string expression{};
  bool caseless = false;
  std::uint32_t group = 0;
  double entropy = 0;
  std::vector<std::string> context_words{};
  std::vector<std::string> allow_values{};
  std::vector<std::string> allow_contain{};
  std::vector<std::string> allow_match{};
  std::string hit{};
  std::string miss{};
};

enum class Outcome : std::uint8_t {
  as_it_is,  // said as it was
  anew,      // said otherwise, finds the same
  changed,   // finds something else, and the notes say what
  refused,   // not taken
};
ConditionSpec conditions_of(const NewRule& rule);

std::string_view name_of(Outcome outcome);

struct RuleReport {
  std::string id{};
  Position at{};
  Outcome outcome = Outcome::as_it_is;
  std::vector<std::string> names{};  // in the pack
  Notes notes{};                     // of one that is not taken: why
};

}  // namespace sluice::rules::import
