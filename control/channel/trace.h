// A trace on its way from the data plane to a file (docs/formats/trace.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/channel/questions.h"

namespace sluice::control {

MessageBytes encode_trace_request(std::uint64_t request_id);

// Of the TracePart messages of one answer, each of them verified.
std::string trace_file(const std::vector<MessageBytes>& answer);

}  // namespace sluice::control
