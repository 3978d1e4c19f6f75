// The last word on a match: what an expression cannot say.
#pragma once

#include "common/bytes.h"
#include "dataplane/inspect/scanner.h"

namespace sluice::inspect {

// True when `match` passes. Looks at nothing but the bytes of the match.
bool accepts(Validator validator, Bytes match);

}  // namespace sluice::inspect
