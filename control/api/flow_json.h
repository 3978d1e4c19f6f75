// Live sessions in JSON (docs/operating.md).
#pragma once

#include <vector>

#include "control/api/json.h"
#include "control/channel/questions.h"

namespace sluice::control {

// Of the Flows messages of one answer, each of them verified: {"flows", "more", "sessions"}.
Json flows_json(const std::vector<MessageBytes>& answer);

}  // namespace sluice::control
