// Which bytes of a match are those of its rule's group. The group begins where it can begin first in the longest match
// at a start; from there each end counts behind which the match can go on. A run of an automaton for each question,
// each as long as the match.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/bytes.h"
#include "rules/conditions.h"

namespace sluice::inspect {

// What the search for a group writes to.
struct GroupRoom {
  std::vector<std::uint8_t> backward;  // the match, its last byte first, between its neighbours
  std::vector<std::uint32_t> begins;
  std::vector<std::uint32_t> others;
};

// [start, longest) is the longest match at `start`, and what follows it, if anything, is in `text`. Returns where the
// group begins; all its ends go to `ends`, ascending.
std::uint32_t find_group(const rules::GroupAutomata& automata, Bytes text, std::uint32_t start, std::uint32_t longest,
                         GroupRoom& room, std::vector<std::uint32_t>& ends);
// Where the longest match ends of which the group ends at `end`; nothing when there is none.
std::optional<std::uint32_t> match_end(const rules::GroupAutomata& automata, Bytes text, std::uint32_t end,
                                       std::uint32_t longest, GroupRoom& room);

}  // namespace sluice::inspect
