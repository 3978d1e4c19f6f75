// What an expression is looked for by, told to those who write rules: its anchor in words, and how often the anchor is
// met in ordinary text. What has none costs what a plain database costs.
#pragma once

#include <string>
#include <string_view>

#include "common/bytes.h"
#include "rules/anchor.h"

namespace sluice::rules {

struct AnchorReport {
  AnchorKind kind = AnchorKind::pattern;
  std::string what;            // "AKIA" or "ASIA"; [2-6][0-9]{3}[ 0-9-]{9}; empty for a pattern
  double expected_per_mb = 0;  // by the frequency of bytes, as anchors are chosen; 0 for a pattern
  double found_per_mb = 0;     // counted in the sample
};

// The expression is one that passed the check of a policy. Hits are counted as the scanner counts them, byte by byte.
AnchorReport report_anchor(std::string_view expression, bool caseless, Bytes sample);

// One line, such as: literal "AKIA" or "ASIA", 0 a megabyte
std::string describe(const AnchorReport& report);

}  // namespace sluice::rules
