// That a rule looks at the bodies of several requests as at one: what those requests have in common, and how the bodies
// lie in the whole. Rules of a service with an equal Across are looked for together.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "schema/policy_generated.h"

namespace sluice::rules {

using schema::policy::TieKind;

struct Tie {
  TieKind kind = TieKind::principal;
  std::string name;  // of the header, in lower case, or of the query parameter
  auto operator<=>(const Tie&) const = default;
};

struct Across {
  std::vector<Tie> by;  // ascending, each once
  std::string offset;   // a header, in lower case; empty: in the order of arrival
  std::uint32_t seconds = 600;
  auto operator<=>(const Across&) const = default;
};

}  // namespace sluice::rules
