// The bounds on a policy. What is written in YAML and what arrives in a bundle are both held against them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::rules {

inline constexpr std::uint32_t kAllRows = 0xffffffff;  // of an answer are recorded
inline constexpr std::size_t kMaxServices = 256;
inline constexpr std::size_t kMaxPrincipals = 4096;
inline constexpr std::size_t kMaxRules = 16 * 1024;
inline constexpr std::size_t kMaxNameBytes = 63;

inline constexpr std::uint32_t kMaxMatchBytes = 4096;
inline constexpr std::uint32_t kMaxKeepLast = 32;

// What a rule may ask of its matches beyond the expression.
inline constexpr std::uint32_t kMaxGroup = 64;
// Places at which a group may end, times the bytes that may follow it: what one start may cost.
inline constexpr std::uint32_t kMaxGroupWork = 16 * 1024;
inline constexpr std::uint32_t kMaxEntropyMillibits = 8000;  // a byte has no more
inline constexpr std::uint32_t kMaxContextWithin = 64;
inline constexpr std::size_t kMaxContextWords = 64;
inline constexpr std::size_t kMaxAllowedValues = 1024;
inline constexpr std::size_t kMaxStopWords = 4096;
inline constexpr std::size_t kMaxAllowedExpressions = 32;
inline constexpr std::size_t kMaxValueBytes = 256;
inline constexpr std::size_t kMaxWordBytes = 64;  // of a stop word or a context word

// Rules that look across requests: what a payload costs to remember hangs on them.
inline constexpr std::uint32_t kMaxAcrossMatchBytes = 512;
inline constexpr std::size_t kMaxTies = 8;
inline constexpr std::size_t kMaxTieNameBytes = 128;
inline constexpr std::size_t kMaxAcrossGroups = 4;  // of one service
inline constexpr std::uint32_t kMaxAcrossSeconds = 24 * 3600;

inline constexpr std::size_t kMaxSqlNames = 64;       // of a list of what a rule asks of a statement
inline constexpr std::size_t kMaxSqlNameBytes = 127;  // two names of PostgreSQL and a dot

inline constexpr std::size_t kMaxLimits = 16;                 // of one service, or one principal
inline constexpr std::uint64_t kMaxLimitUnits = 1ULL << 40U;  // a period, or of a burst
inline constexpr std::uint64_t kMaxLimitRefillSeconds = 366 * 24 * 3600;
inline constexpr std::uint32_t kMaxConcurrent = 1'000'000;

inline constexpr std::uint32_t kMaxScore = 1000;  // of one rule or behaviour
inline constexpr std::uint32_t kMaxRiskAbove = 1'000'000;
inline constexpr std::size_t kMaxRiskLines = 8;
inline constexpr std::uint64_t kMinRiskIntervalNs = 1'000'000'000;
inline constexpr std::uint64_t kMaxRiskIntervalNs = 3600ULL * 1'000'000'000;
inline constexpr std::uint32_t kMaxRiskTimes = 1000;  // the usual
inline constexpr std::uint32_t kMaxPieceBytes = 1024 * 1024;

inline constexpr std::uint64_t kMinHoldNs = 1'000'000'000;
inline constexpr std::uint64_t kMaxHoldNs = 24ULL * 3600 * 1'000'000'000;
inline constexpr std::uint32_t kMinHoldBytes = 16 * 1024;
inline constexpr std::uint32_t kMaxHoldBytes = 1024 * 1024;  // what a leg takes in beyond what went on
inline constexpr std::size_t kMaxApproverGroups = 16;
inline constexpr std::uint32_t kMaxApprovers = 16;

inline constexpr std::uint32_t kMinHeadBytes = 1024;
inline constexpr std::uint32_t kMaxHeadBytes = 64 * 1024;
inline constexpr std::uint32_t kMaxHeaders = 1024;
inline constexpr std::uint32_t kMaxPending = 1024;
inline constexpr std::uint32_t kMinWindowBytes = 1024;
inline constexpr std::uint32_t kMaxWindowBytes = 1024 * 1024;
inline constexpr std::uint32_t kMaxRetentionDays = 36500;

// 1 to kMaxNameBytes of a-z, 0-9, '-' and '_': names become folder names and counters.
constexpr bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
}

}  // namespace sluice::rules
