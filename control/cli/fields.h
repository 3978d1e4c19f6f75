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
bool is_true(const Json& json, const char* key);
Json part(const Json& json, const char* key);

// Of {"text"} or {"base64"}.
std::string bytes_of(const Json& bytes);
// The same as the bytes that they are, which may steer a terminal.
std::string raw_bytes_of(const Json& bytes);
// "alice", "alice (unverified)", "-" for nobody.
std::string principal_of(const Json& json);
// Who did it, and why: "alice, OVERRIDE: production is down".
std::string said(const Json& what);

}  // namespace sluice::cli
