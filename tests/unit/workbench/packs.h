// What the tests of this folder share: the packs of the source tree.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "workbench/given_rules.h"

namespace sluice::workbench {

inline GivenNames named(std::vector<std::string> packs) {
  return {.policies = {}, .packs = std::move(packs), .pack_directory = SLUICE_TEST_PACKS};
}

inline std::vector<rules::Rule> rules_of(std::vector<std::string> packs) {
  auto rules = read_given(named(std::move(packs)));
  EXPECT_TRUE(rules) << (rules ? "" : rules.error().message());
  return rules ? std::move(*rules) : std::vector<rules::Rule>();
}

}  // namespace sluice::workbench
