// A policy from YAML, compiled, signed and loaded the real way, for tests.
#pragma once

#include <string_view>

#include "common/ip_address.h"
#include "dataplane/inspect/scanner.h"
#include "dataplane/session/policy.h"

namespace sluice::test {

// The policy with counters of its own, and the scratch grown for it. Throws what went wrong.
session::PolicyRef make_policy(std::string_view yaml, inspect::Scratch& scratch, std::uint64_t version = 1);

// A service "web" at 10.0.0.2:80 that masks cards and e-mail addresses everywhere, and "web6" at [2001:db8::2]:80, the
// same; `more` adds lines to both (indented by four), `mode` is enforce or observe.
std::string masking_policy(std::string_view more = "", std::string_view mode = "enforce");

inline constexpr std::uint32_t kServerAddress = 0x0a000002;  // 10.0.0.2
inline constexpr std::uint16_t kServerPort = 80;
inline constexpr std::uint32_t kClientAddress = 0x0a000041;  // 10.0.0.65
inline constexpr IpAddress kServerIpv6 = {0x2001'0db8'0000'0000, 2};
inline constexpr IpAddress kClientIpv6 = {0x2001'0db8'0000'0001, 0x41};

}  // namespace sluice::test
