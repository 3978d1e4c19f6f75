// The words for what waits and for what was said about it, the same in both processes and in the archive. Numbers are
// those of schema/; names are those of the API, the CLI and the metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

using HoldId = std::uint64_t;   // never 0, never used again
using OrderId = std::uint64_t;  // never 0

enum class HoldCause : std::uint8_t { limit = 0, rule = 1, score = 2, order = 3 };
inline constexpr std::array<std::string_view, 4> kHoldCauseNames = {"limit", "rule", "score", "order"};

enum class HoldEnding : std::uint8_t { passed = 0, denied = 1, expired = 2, abandoned = 3, server_gone = 4, cut = 5 };
inline constexpr std::size_t kHoldEndings = 6;
inline constexpr std::array<std::string_view, kHoldEndings> kHoldEndingNames = {"passed",    "denied",      "expired",
                                                                                "abandoned", "server_gone", "cut"};

inline constexpr std::uint8_t kTicketGiven = 6;  // on a record beside those: the client has a ticket, and asks again

// In the order in which one comes before another.
enum class OrderVerdict : std::uint8_t { pass = 0, hold = 1, deny = 2 };
inline constexpr std::array<std::string_view, 3> kOrderVerdictNames = {"pass", "hold", "deny"};

}  // namespace sluice
