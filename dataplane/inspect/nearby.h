// Whether one of a rule's words stands near a match: whole words, in either case. A letter, a digit or a byte beyond
// ASCII next to it makes it a part of another word; '_' does not, nor does the letter of an escape such as \n.
#pragma once

#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "rules/automaton.h"
#include "rules/bounds.h"

namespace sluice::inspect {

// What lies before a match and must be seen to know the words there: an escape before the farthest one.
inline constexpr std::uint32_t kMaxBytesBefore = rules::kMaxContextWithin + rules::kContextBytes;
// And behind it: the byte that ends the farthest one.
inline constexpr std::uint32_t kMaxBytesBehind = rules::kMaxContextWithin + 1;

enum class Nearby : std::uint8_t { no, yes, unknown };

// All of a word lies in the `within` bytes before `at`. `ends` is room.
bool word_before(const rules::Automaton& words, Bytes text, std::size_t at, std::size_t within,
                 std::vector<std::uint32_t>& ends);

// The words behind a start, found once for all matches there.
class WordsBehind {
 public:
  void grow_for(std::size_t max_width) { words_.reserve(max_width + rules::kMaxContextWithin); }
  // Those that begin in [from, to); what follows each, if anything, has to be seen. `complete`: `text` ends the
  // content.
  void find(const rules::Automaton& words, Bytes text, std::size_t from, std::size_t to, bool complete,
            std::vector<std::uint32_t>& ends);
  // All of one lies in the `within` bytes from `at` on, which end before `to` does; unknown when that is for bytes to
  // come to say.
  [[nodiscard]] Nearby at(std::uint32_t at, std::uint32_t within) const;

 private:
  struct Word {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;  // the first at which this or a later one ends
  };
  std::vector<Word> words_;  // by their beginnings
  std::uint64_t known_ = 0;  // of a word that would end behind it nothing is known
};

}  // namespace sluice::inspect
