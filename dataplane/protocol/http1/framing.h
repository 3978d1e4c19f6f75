// What a head says about the message: framing, persistence, host, expectation, upgrade. Internal to this folder.
#pragma once

#include "common/error.h"
#include "dataplane/protocol/http1/head.h"
#include "dataplane/protocol/http1/head_parser.h"

namespace sluice::http1 {

// Fills framing .. upgrade of a head whose lines are parsed, or says why the message is refused.
ErrorCode settle(AnswerTo answer_to, Head& head);

}  // namespace sluice::http1
