// From a verified policy buffer to the values of a Snapshot. The buffer is signed, but every number and
// index in it is checked all the same before it is used: a bundle is refused whole or taken whole.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "dataplane/enforce/lookup.h"
#include "dataplane/enforce/snapshot.h"

namespace sluice::enforce {

struct Contents {
  std::uint64_t version = 0;
  std::array<std::uint8_t, 32> source_sha256{};
  std::vector<Rule> rules;
  std::vector<std::unique_ptr<inspect::RuleSet>> rule_sets;  // one a scan; Service::scans points into them
  std::vector<Service> services;
  ServiceTable service_table;
  PrincipalTable principal_table;
  std::map<std::string, std::vector<Limit>, std::less<>> principal_limits;  // by name
  std::uint32_t limit_count = 0;
};

// `policy` is aligned as operator new aligns.
Result<Contents> build_contents(Bytes policy);

}  // namespace sluice::enforce
