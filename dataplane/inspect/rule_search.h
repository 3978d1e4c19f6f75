// The exact matches of one rule near its anchors, as decision.h tells them for each start. A start is decided only when
// no later byte could change it, so it makes no difference where the content is cut. Where many starts look like a
// match for long and are none, the next thousands are first looked through together (rules/start_filter.h), so that
// what a byte costs is bounded, whatever the text.
#pragma once

#include <array>
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

// Part of a worker's scratch: of the next kMost starts, a bit each.
struct StartRoom {
  static constexpr std::uint32_t kMost = 4096;
  std::array<std::uint64_t, kMost / 64> marked{};  // where a match may begin
  std::array<std::uint64_t, kMost / 64> open{};    // where one may begin that ends in bytes to come
};

class RuleSearch {
 public:
  // `from` is the first position at which a match may start; with `last` no byte follows the content.
  // Matches are appended with `base` added to their positions.
  RuleSearch(const RuleOfSet& rule, Content& content, DecisionRoom& room, StartRoom& starts, bool last,
             std::uint32_t from, std::uint64_t base, std::vector<Found>& found)
      : rule_(*rule.rule),
        reach_(rule.reach),
        has_leads_(rule.has_leads),
        plain_(is_plain(*rule.rule)),
        around_(surroundings_of(*rule.rule)),
        content_(content),
        room_(room),
        starts_(starts),
        last_(last),
        from_(from),
        base_(base),
        found_(found),
        counted_from_(from) {
    room_.runs.forget();
  }

  // Decides every start in the rule's anchor ranges and, when a match may be `open` at the end of the content, there.
  // False when it came upon one that only bytes to come can decide: undecided().
  bool run(const Anchors& anchors, std::uint32_t position, bool open);
  [[nodiscard]] std::uint32_t undecided() const { return from_; }

 private:
  bool search(std::uint32_t first, std::uint32_t last_start);
  bool search_block(std::uint32_t last_start);
  [[nodiscard]] std::uint32_t first_open();
  [[nodiscard]] std::uint32_t first_start_before(std::uint32_t first, std::uint32_t end);
  [[nodiscard]] bool is_futile(std::uint32_t at) const;
  [[nodiscard]] bool is_left_open(std::uint32_t at) const;
  void mark_starts();
  [[nodiscard]] std::size_t next_start(Bytes text, std::uint32_t begin, std::size_t from, std::size_t stop);
  [[nodiscard]] std::size_t next_marked(std::uint32_t begin, std::size_t from, std::size_t stop) const;

  const CompiledRule& rule_;
  std::uint32_t reach_;
  bool has_leads_;
  bool plain_;
  Surroundings around_;
  Content& content_;
  DecisionRoom& room_;
  StartRoom& starts_;
  bool last_;
  std::uint32_t from_;  // every start before it is decided
  std::uint64_t base_;
  std::vector<Found>& found_;
  std::uint64_t in_vain_ = 0;  // lookups from counted_from_ on that led to no match
  std::uint32_t counted_from_;
  std::uint32_t marked_from_ = 0;  // of these starts, starts_ tells those that are worth a try
  std::uint32_t marked_to_ = 0;
};

}  // namespace sluice::inspect
