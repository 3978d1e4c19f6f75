// Finds what the rules look for in a stream of content (framing already removed).
//
// A match is canonical: for each rule by itself the leftmost start, and from there the longest end
// that the rule's validator and conditions accept; matches of one rule do not overlap. Different rules may.
// Of a rule with a group the bytes of the group are reported (decision.h), and the whole match is what does not
// overlap. How the content is cut into calls changes nothing: a match is reported only when no later byte could change
// it, and the caller keeps (and shows again) the bytes from `hold` on. A match is reported by the call that releases
// its bytes: `hold` never lies inside a match, and no byte is reported late.
//
// The scanner is the one interface for every engine: a RuleSet is built once outside the data path,
// a Scratch belongs to one worker, a ScanState to one direction of one message and stays small.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/unit.h"
#include "dataplane/inspect/nearby.h"
#include "rules/anchor.h"
#include "rules/conditions.h"

namespace sluice::inspect {

enum class Validator : std::uint8_t { none = 0, luhn = 1, mod97 = 2, jwt = 3 };

struct RuleSpec {
  RuleIndex index = 0;  // reported in Match::rule
  std::string expression;
  bool caseless = false;
  Validator validator = Validator::none;
  std::uint32_t min_width = 0;
  std::uint32_t max_width = 0;  // bounded: the widest match in bytes
  rules::AnchorKind anchor = rules::AnchorKind::pattern;
  rules::ConditionSpec conditions{};
};

// A match of the rule at position `rule` holds this literal, and it ends so far behind the match's start.
struct LiteralSpec {
  std::uint32_t rule = 0;
  std::uint32_t min_reach = 0;
  std::uint32_t max_reach = 0;
};

// Serialized Hyperscan databases (HS_MODE_VECTORED, no start of match), empty where no rule needs one.
struct Databases {
  // Ids are positions of rules. A pattern must report the end of every match of its rule; it may report others too, so
  // the compiler is free to leave out what costs much and tells little (rules/relax.h).
  Bytes patterns;
  Bytes literals;  // ids are positions in literal_table
  std::vector<LiteralSpec> literal_table;
};

// What several sets of one policy share while they are loaded: a rule, known by its index, is made once.
class SharedRules {
 public:
  SharedRules();
  ~SharedRules();
  SharedRules(const SharedRules&) = delete;
  SharedRules& operator=(const SharedRules&) = delete;

 private:
  friend class RuleSet;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class RuleSet {
 public:
  // As rules/scan_compiler.h made them.
  static Result<std::unique_ptr<RuleSet>> load(const std::vector<RuleSpec>& rules, const Databases& databases) {
    SharedRules alone;
    return load(rules, databases, alone);
  }
  static Result<std::unique_ptr<RuleSet>> load(const std::vector<RuleSpec>& rules, const Databases& databases,
                                               SharedRules& shared);
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::uint32_t max_width() const;

 private:
  friend class Scanner;
  friend class Scratch;
  RuleSet();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Working memory of one worker. grow_for() is called outside the data path, for each new RuleSet.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Result<void> grow_for(const RuleSet& rules);
  // How many bytes all scans have looked up in automata: what content costs beyond its one pass.
  [[nodiscard]] std::uint64_t lookups() const;

 private:
  friend class Scanner;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What is remembered between calls over one content.
struct ScanState {
  std::uint64_t hold = 0;  // content offset of the first byte that is shown again
  std::uint8_t bytes_before = 0;
  std::array<std::uint8_t, kMaxBytesBefore> before{};  // the bytes before `hold`, for what looks around
};

// More is never held back. Only a chain of matches of different rules, each overlapping the next without
// a gap, can come near it: a single match that is not decided holds at most max_width() bytes, and those behind it
// in which a word may stand.
inline constexpr std::size_t kMaxHeldBytes = 64 * 1024;

// One call: `window` is the content from state.hold to the newest byte, as contiguous pieces in order.
// `last`: no byte follows. Moves state.hold: all bytes before it are decided and may be released, bytes
// from it on are shown again in the next call; with `last` it becomes the end. Appends to `matches` those
// that lie between the old and the new hold (begin and end are content offsets), in order of begin, then
// end, then rule; so the order over all calls is the same too.
// scan_failed: the content cannot be decided (a bound was met). `matches` is as before and the content
// must not be scanned further.
class Scanner {
 public:
  static ErrorCode scan(const RuleSet& rules, Scratch& scratch, ScanState& state, std::span<const Bytes> window,
                        bool last, std::vector<Match>& matches);
};

}  // namespace sluice::inspect
