// Reads one rule from its YAML map: the same form in a policy file and in a pack.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "rules/fields.h"
#include "rules/rule.h"

namespace sluice::rules {

// `group` is "local" or the pack's name; the rule is called "group/name". Samples are read in packs only.
std::optional<Rule> read_rule(const YamlNode& node, std::string_view group, bool samples, Report& report);

// A list of rules, names unique; rules with problems are left out.
std::vector<Rule> read_rules(const YamlNode& list, std::string_view group, bool samples, Report& report);

}  // namespace sluice::rules
