// What a rule says about one start: the automaton tells every end of a match there, its validator and its conditions
// keep some of them, and the longest that is left is the match; it may be on the rule's allow-list. Nothing when bytes
// to come could change that. The work for one start is a few runs as long as the widest match, whatever the bytes are.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/inspect/captured.h"
#include "dataplane/inspect/nearby.h"
#include "dataplane/inspect/rule_set.h"

namespace sluice::inspect {

struct Decision {
  // Of what is allowed no byte is reported, and no other match begins in it.
  enum class Outcome : std::uint8_t { refused, accepted, allowed, undecided };
  Outcome outcome = Outcome::refused;
  // What is reported: the bytes of the group, or all.
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t match_end = 0;
};

// What a decision writes to, part of a worker's scratch.
struct DecisionRoom {
  std::vector<std::uint32_t> ends;
  GroupRoom group;
  WordsBehind words;
  rules::RunRoom runs;  // of the rules' own automata
  void grow_for(std::size_t max_width);
};

// How many bytes before a start a rule looks at, and behind the widest match.
struct Surroundings {
  std::uint32_t before = 0;
  std::uint32_t behind = 0;
};
Surroundings surroundings_of(const CompiledRule& rule);

// The rule has neither a validator nor conditions: the longest match is the one.
inline bool is_plain(const CompiledRule& rule) {
  return rule.conditions == nullptr && rule.validator == Validator::none;
}

// `text` holds the surroundings of [start, start + widest match), or less where the content has no more yet; with
// `complete` it never has.
Decision decide(const CompiledRule& rule, Bytes text, std::uint32_t start, bool complete, DecisionRoom& room);
// The same of a plain rule.
inline Decision decide_plain(const CompiledRule& rule, Bytes text, std::uint32_t start, bool complete,
                             DecisionRoom& room) {
  const std::uint32_t end = rule.automaton.longest_from(text, start, complete, room.runs);
  if (end == rules::Automaton::kNoEnd) return {};
  if (end == rules::Automaton::kOpenEnd) return {Decision::Outcome::undecided};
  return {Decision::Outcome::accepted, start, end, end};
}

}  // namespace sluice::inspect
