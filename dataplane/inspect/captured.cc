// See captured.h. Only where a match begins is the letter of an escape no word.
#include "dataplane/inspect/captured.h"

#include <algorithm>

namespace sluice::inspect {
namespace {

// The ends at or before `last` of what begins at `start`; the byte behind `last` is looked at and not taken.
void ends_until(const rules::Automaton& automaton, Bytes text, std::uint32_t start, std::uint32_t last, bool after_word,
                std::vector<std::uint32_t>& ends) {
  const Bytes seen = text.first(std::min<std::size_t>(text.size(), last + 1));
  static_cast<void>(automaton.ends_from(seen, start, true, after_word, ends));
  while (!ends.empty() && ends.back() > last) ends.pop_back();
}

bool is_word(Bytes text, std::size_t at) {
  return at < text.size() && rules::word_bytes()[text[at]];
}

// The bytes from `longest` down to `start`. Their neighbours say no more than whether they are words.
void turn(Bytes text, std::uint32_t start, std::uint32_t longest, std::vector<std::uint8_t>& out) {
  out.clear();
  out.push_back(is_word(text, longest) ? 'a' : ' ');
  for (std::uint32_t at = longest; at > start; --at) out.push_back(text[at - 1]);
  out.push_back(rules::is_after_word(text, start) ? 'a' : ' ');
}

}  // namespace

std::uint32_t find_group(const rules::GroupAutomata& automata, Bytes text, std::uint32_t start, std::uint32_t longest,
                         GroupRoom& room, std::vector<std::uint32_t>& ends) {
  const bool after_word = rules::is_after_word(text, start);
  ends_until(automata.before, text, start, longest, after_word, room.begins);
  turn(text, start, longest, room.backward);
  ends_until(automata.backward, room.backward, 1, longest - start + 1, is_word(text, longest), room.others);
  // The first of `begins` from which the match can go on to `longest`; there is one, for there is a match.
  std::uint32_t begin = start;
  auto other = room.others.rbegin();
  for (const std::uint32_t candidate : room.begins) {
    const std::uint32_t mirrored = longest - candidate + 1;
    while (other != room.others.rend() && *other > mirrored) ++other;
    if (other == room.others.rend() || *other != mirrored) continue;
    begin = candidate;
    break;
  }
  ends_until(automata.group, text, begin, longest, begin == start ? after_word : is_word(text, begin - 1), ends);
  return begin;
}

std::optional<std::uint32_t> match_end(const rules::GroupAutomata& automata, Bytes text, std::uint32_t end,
                                       std::uint32_t longest, GroupRoom& room) {
  ends_until(automata.after, text, end, longest, is_word(text, end - 1), room.others);
  if (room.others.empty()) return std::nullopt;
  return room.others.back();
}

}  // namespace sluice::inspect
