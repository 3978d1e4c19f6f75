// The exact matches of one rule near its anchors. PCRE2's DFA tells, for the leftmost start, every end; or
// that the bytes at the end of the content could still become or change a match. A start is decided only
// when no later byte could change it, so it makes no difference where the content is cut.
#pragma once

#include <vector>

#include "common/error.h"
#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/content.h"
#include "dataplane/inspect/pcre.h"
#include "dataplane/inspect/rule_set.h"

namespace sluice::inspect {

// What pcre2_dfa_match works in. It never allocates: a rule that needs more is a scan that failed.
struct DfaScratch {
  DfaScratch();
  bool grow_for(std::uint32_t max_width);  // outside the data path

  PcreMatchContext context;
  PcreMatchData match_data;
  std::uint32_t ends = 0;  // how many ends match_data has room for
  std::vector<int> workspace;
};

class RuleSearch {
 public:
  // `from` is the first position at which a match may start; with `last` no byte follows the content.
  // Matches are appended with `base` added to their positions.
  RuleSearch(const CompiledRule& rule, Content& content, DfaScratch& dfa, bool last, std::uint32_t from,
             std::uint64_t base, std::vector<Match>& matches)
      : rule_(rule), content_(content), dfa_(dfa), last_(last), from_(from), base_(base), matches_(matches) {}

  // Decides every start in the rule's anchor ranges and at the end of the content.
  ErrorCode run(const Anchors& anchors, std::uint32_t position);
  // The first start that is not decided; the content's length when all are.
  [[nodiscard]] std::uint32_t undecided() const { return undecided_; }

 private:
  enum class Step : std::uint8_t { done, undecided, failed };
  Step search(std::uint32_t first, std::uint32_t last_start);
  Step search_block(std::uint32_t last_start);
  bool take_longest(Bytes subject, std::uint32_t subject_begin, int count);

  const CompiledRule& rule_;
  Content& content_;
  DfaScratch& dfa_;
  bool last_;
  std::uint32_t from_;  // every start before it is decided
  std::uint64_t base_;
  std::vector<Match>& matches_;
  std::uint32_t undecided_ = 0;
};

}  // namespace sluice::inspect
