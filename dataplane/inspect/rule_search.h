// The exact matches of one rule near its anchors, as decision.h tells them for each start. A start is decided only when
// no later byte could change it, so it makes no difference where the content is cut.
#pragma once

#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/content.h"
#include "dataplane/inspect/decision.h"
#include "dataplane/inspect/rule_set.h"

namespace sluice::inspect {

// What is reported of a match, if anything, and the content that is its own: no other match of the rule begins in it.
struct Found {
  Match match;
  bool reported = true;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class RuleSearch {
 public:
  // `from` is the first position at which a match may start; with `last` no byte follows the content.
  // Matches are appended with `base` added to their positions.
  RuleSearch(const CompiledRule& rule, Content& content, DecisionRoom& room, bool last, std::uint32_t from,
             std::uint64_t base, std::vector<Found>& found)
      : rule_(rule), content_(content), room_(room), last_(last), from_(from), base_(base), found_(found) {}

  // Decides every start in the rule's anchor ranges and, when a match may be `open` at the end of the content, there.
  // False when it came upon one that only bytes to come can decide: undecided().
  bool run(const Anchors& anchors, std::uint32_t position, bool open);
  [[nodiscard]] std::uint32_t undecided() const { return from_; }

 private:
  bool search(std::uint32_t first, std::uint32_t last_start);
  bool search_block(std::uint32_t last_start);
  [[nodiscard]] std::uint32_t first_start_before(std::uint32_t first, std::uint32_t end);

  const CompiledRule& rule_;
  Content& content_;
  DecisionRoom& room_;
  bool last_;
  std::uint32_t from_;  // every start before it is decided
  std::uint64_t base_;
  std::vector<Found>& found_;
};

}  // namespace sluice::inspect
