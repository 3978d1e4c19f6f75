// From a bundle's limits to those that the data plane keeps to; every number is checked before it is used.
#pragma once

#include <string_view>
#include <vector>

#include "common/error.h"
#include "dataplane/enforce/limit.h"
#include "schema/policy_generated.h"

namespace sluice::enforce {

using LimitOffsets = flatbuffers::Vector<flatbuffers::Offset<schema::policy::Limit>>;

// A bucket can be made of them.
bool are_terms(std::uint64_t units, std::uint64_t period_ns, std::uint64_t burst);

// `owner` is what stands before the slash in their names; `next_index` grows by as many as there are.
Result<std::vector<Limit>> build_limits(const LimitOffsets* source, std::string_view owner, std::uint32_t& next_index);

}  // namespace sluice::enforce
