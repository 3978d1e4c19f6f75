// See decision.h.
#include "dataplane/inspect/decision.h"

#include <algorithm>

#include "dataplane/inspect/entropy.h"
#include "dataplane/inspect/validator.h"

namespace sluice::inspect {
namespace {

using Outcome = Decision::Outcome;

bool is_allowed(const rules::Conditions& conditions, Bytes text, std::uint32_t begin, std::uint32_t end,
                std::vector<std::uint32_t>& ends) {
  if (conditions.allowed) {
    const Bytes seen = text.first(std::min<std::size_t>(text.size(), end + 1));
    static_cast<void>(conditions.allowed->ends_from(seen, begin, true, ends));
    if (std::ranges::binary_search(ends, end)) return true;
  }
  if (!conditions.stop_words) return false;
  const Bytes seen = text.first(end);
  for (std::size_t at = begin; (at = conditions.stop_words->find_start(seen, at, end)) < end; ++at) {
    static_cast<void>(conditions.stop_words->ends_from(seen, at, true, false, ends));
    if (!ends.empty()) return true;
  }
  return false;
}

Decision decide_with(const CompiledRule& rule, const rules::Conditions& conditions, Bytes text, std::uint32_t start,
                     bool complete, bool word_seen, DecisionRoom& room) {
  const std::uint32_t longest = room.ends.back();
  std::uint32_t begin = start;
  if (conditions.group) begin = find_group(*conditions.group, text, start, longest, room.group, room.ends);
  keep_valid(rule.validator, text, begin, room.ends);
  if (conditions.min_entropy_millibits > 0) keep_random(text, begin, conditions.min_entropy_millibits, room.ends);
  if (!word_seen && !room.ends.empty())
    room.words.find(*conditions.context_words, text, start + 1, longest + conditions.within, complete,
                    room.group.others);
  for (; !room.ends.empty(); room.ends.pop_back()) {
    const std::uint32_t end = room.ends.back();
    const auto behind = conditions.group ? match_end(*conditions.group, text, end, longest, room.group) : end;
    if (!behind) continue;
    const Nearby near = word_seen ? Nearby::yes : room.words.at(*behind, conditions.within);
    if (near == Nearby::unknown) return {Outcome::undecided};
    if (near == Nearby::no) continue;
    const bool allowed = is_allowed(conditions, text, begin, end, room.group.others);
    return {allowed ? Outcome::allowed : Outcome::accepted, begin, end, *behind};
  }
  return {};
}

}  // namespace

void DecisionRoom::grow_for(std::size_t max_width) {
  const std::size_t with_neighbours = max_width + 2;
  for (auto* list : {&ends, &group.begins, &group.others})
    list->reserve(std::max<std::size_t>(with_neighbours, rules::kMaxContextWithin));
  group.backward.reserve(with_neighbours);
  words.grow_for(max_width);
}

Surroundings surroundings_of(const CompiledRule& rule) {
  Surroundings around{rules::kContextBytes, 1};
  if (rule.conditions == nullptr || !rule.conditions->context_words) return around;
  around.before += rule.conditions->within;
  if (rule.conditions->both_sides) around.behind += rule.conditions->within;
  return around;
}

Decision decide(const CompiledRule& rule, Bytes text, std::uint32_t start, bool complete, DecisionRoom& room) {
  const rules::Conditions* conditions = rule.conditions.get();
  const bool decided = rule.automaton.ends_from(text, start, complete, room.ends, room.runs);
  if (decided && room.ends.empty()) return {};
  if (conditions == nullptr) {
    if (!decided) return {Outcome::undecided};
    keep_valid(rule.validator, text, start, room.ends);
    if (room.ends.empty()) return {};
    return {Outcome::accepted, start, room.ends.back(), room.ends.back()};
  }
  const bool word_seen = !conditions->context_words ||
                         word_before(*conditions->context_words, text, start, conditions->within, room.group.others);
  // No byte to come changes what stands before.
  if (!word_seen && !conditions->both_sides) return {};
  // What looks at a part of a match looks at the byte behind it too.
  const bool looks_behind = conditions->group || conditions->allowed;
  if (!decided || (looks_behind && room.ends.back() == text.size() && !complete)) return {Outcome::undecided};
  return decide_with(rule, *conditions, text, start, complete, word_seen, room);
}

}  // namespace sluice::inspect
