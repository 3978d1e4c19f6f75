// The envelope in which a policy travels: its bytes and an Ed25519 signature over them (RFC 8032).
#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "rules/keys.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxBundleBytes = 64 * 1024 * 1024;
inline constexpr std::uint16_t kPolicyFormat = 2;
// With rules that have conditions: who reads only kPolicyFormat would not see them, and must not take it.
inline constexpr std::uint16_t kPolicyFormatWithConditions = 3;
// With rules that look across requests, whose scans a reader of the others would not make.
inline constexpr std::uint16_t kPolicyFormatWithAcross = 4;
// With limits, which a reader of the others would not keep to.
inline constexpr std::uint16_t kPolicyFormatWithLimits = 5;
// Where a rule or a limit holds, which a reader of the others would pass.
inline constexpr std::uint16_t kPolicyFormatWithHolds = 6;
// With scores, or tickets.
inline constexpr std::uint16_t kPolicyFormatWithRisk = 7;
// With rules that ask of SQL, which a reader of the others would look for as for an empty expression.
inline constexpr std::uint16_t kPolicyFormatWithSql = 8;
// With rules that name columns, which a reader of the others would not hide, or a bound on recorded rows.
inline constexpr std::uint16_t kPolicyFormatWithResults = 9;
// With limits of rows or result_bytes, which a reader of the others would refuse as not proper.
inline constexpr std::uint16_t kPolicyFormatWithRows = 10;
inline constexpr std::uint16_t kNewestPolicyFormat = kPolicyFormatWithRows;

Result<std::vector<std::uint8_t>> sign_bundle(Bytes policy, const PrivateKey& key);

// The signed policy bytes, copied before anything is checked: who shares the memory can not change them
// afterwards. bundle_malformed, or bundle_bad_signature when `public_key` (raw, 32 bytes) did not sign it.
Result<std::vector<std::uint8_t>> open_bundle(Bytes bundle, Bytes public_key);

}  // namespace sluice::rules
