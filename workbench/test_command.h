// `sluice rules test`: what rules find in a text, or whether they find their own samples. What a rule hides is hidden
// in what is printed, too.
#pragma once

#include <istream>
#include <ostream>

#include "common/error.h"
#include "workbench/given_rules.h"

namespace sluice::workbench {

// True when something was found. The text may be of any size.
Result<bool> test_text(const GivenNames& names, std::istream& text, bool json, std::ostream& out);

// Of packs, each rule's own samples; true when all is as the packs say.
Result<bool> test_samples(const GivenNames& names, bool json, std::ostream& out);

}  // namespace sluice::workbench
