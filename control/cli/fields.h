// Fields of control's answers as they are printed: a field that is missing or of another type reads as
// empty, or 0, so that a newer or older control never breaks the CLI.
#pragma once

#include <cstdint>
#include <string>

#include "control/cli/client.h"

namespace sluice::cli {

// Printable: text from the wire cannot steer the terminal.
std::string text_of(const Json& json, const char* key);
std::uint64_t number_of(const Json& json, const char* key);

}  // namespace sluice::cli
