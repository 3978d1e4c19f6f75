// Reads services and principals, each by itself; policy.cc checks them against one another.
#pragma once

#include <optional>

#include "rules/fields.h"
#include "rules/policy.h"
#include "rules/rule_book.h"

namespace sluice::rules {

std::optional<Service> read_service(const YamlNode& node, RuleBook& book, Report& report);
std::optional<Principal> read_principal(const YamlNode& node, Report& report);
std::optional<Retention> read_retention(const YamlNode& node, Report& report);

}  // namespace sluice::rules
