// From a bundle's scores to those that the data plane adds up; every number is checked before it is used.
#pragma once

#include <string_view>

#include "common/error.h"
#include "dataplane/enforce/risk.h"
#include "schema/policy_generated.h"

namespace sluice::enforce {

// `service` names its lines; `next_index` grows by as many limits as there are lines.
Result<Risk> build_risk(const schema::policy::Risk* source, std::string_view service, std::uint32_t& next_index);

}  // namespace sluice::enforce
