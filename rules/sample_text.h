// Text as it passes an appliance and holds nothing that a rule should find: JSON, SQL, log lines, forms and prose, from
// a seed. How often a rule's anchor is met in it says what the rule costs.
#pragma once

#include <cstddef>
#include <string>

namespace sluice::rules {

inline constexpr std::size_t kSampleBytes = 256 * 1024;

// The same text each time.
const std::string& sample_text();

}  // namespace sluice::rules
