// The exact matches of one rule near its anchors. Its automaton tells, for a start, every end; or that bytes to
// come could still add one. A start is decided only when no later byte could change it, so it makes no
// difference where the content is cut.
#pragma once

#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/content.h"
#include "dataplane/inspect/rule_set.h"

namespace sluice::inspect {

class RuleSearch {
 public:
  // `from` is the first position at which a match may start; with `last` no byte follows the content.
  // `ends` is room for the widest match. Matches are appended with `base` added to their positions.
  RuleSearch(const CompiledRule& rule, Content& content, std::vector<std::uint32_t>& ends, bool last,
             std::uint32_t from, std::uint64_t base, std::vector<Match>& matches)
      : rule_(rule), content_(content), ends_(ends), last_(last), from_(from), base_(base), matches_(matches) {}

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
  std::vector<std::uint32_t>& ends_;
  bool last_;
  std::uint32_t from_;  // every start before it is decided
  std::uint64_t base_;
  std::vector<Match>& matches_;
};

}  // namespace sluice::inspect
