// Whether a WHERE asks anything of a row.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sluice::sql {

// False for a condition that may hold for every row whatever is in it: one that names no column (`true`, `1 = 1`, `$1`,
// `now() > ''`), one that compares a column with itself, and what AND, OR and NOT make of these. Literals are unknown
// here, so `1 = 2` is no condition either. What nests deeper than `depth` counts as one.
bool depends_on_row(const nlohmann::json& condition, std::uint32_t depth);

}  // namespace sluice::sql
