// Rules that are scanned together, made ready: each with its anchor, and the Hyperscan databases that find those
// which are literals or patterns. Shapes are found without one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "rules/anchor.h"
#include "rules/platform.h"

namespace sluice::rules {

struct ScanRule {
  std::string name;  // for errors
  std::string expression;
  bool caseless = false;
};

// A literal of the literal database, by its id there.
struct ScanLiteral {
  std::uint32_t rule = 0;  // position in the list of rules
  std::uint32_t min_reach = 0;
  std::uint32_t max_reach = 0;
};

struct CompiledScan {
  std::vector<AnchorKind> anchors;     // one a rule
  std::vector<std::uint8_t> patterns;  // ids are positions of rules; empty when no rule needs it
  std::vector<std::uint8_t> literals;  // ids are positions in literal_table; empty when there are none
  std::vector<ScanLiteral> literal_table;
};

// How the rules are looked for: by their anchors, the same with every literal in a database, or all as patterns (slower
// ways, against which the first is tested).
enum class Anchoring : std::uint8_t { anchors, databases, patterns };

// What scans of the same rules need know once: the anchor of an expression, caseless or not.
using KnownAnchors = std::map<std::pair<std::string, bool>, Anchor>;

Result<CompiledScan> compile_scan(const std::vector<ScanRule>& rules, const Platform& target, Anchoring anchoring,
                                  KnownAnchors& known);
inline Result<CompiledScan> compile_scan(const std::vector<ScanRule>& rules, const Platform& target,
                                         Anchoring anchoring = Anchoring::anchors) {
  KnownAnchors known;
  return compile_scan(rules, target, anchoring, known);
}

}  // namespace sluice::rules
