// Where a match may begin, for all places of a text in one pass from its end to its beginning: one lookup a byte,
// however many starts look alike for long and then are none. The automaton of the reversed expression, with repetitions
// that make it too large taken for endless; so a place may be told too often, never too seldom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/bytes.h"
#include "rules/automaton.h"
#include "rules/expression.h"

namespace sluice::rules {

class StartFilter {
 public:
  // Nothing when the table would be too large all the same. Takes what Automaton::build() takes.
  static std::optional<StartFilter> build(const Expression& expression);

  // Sets bit i of `bits` where a match may begin at from + i; what stands before `from` is looked at where there is
  // something. `complete`: no match goes on behind the text. from < text.size().
  void mark(Bytes text, bool complete, std::size_t from, std::span<std::uint64_t> bits) const {
    const std::size_t to = from + 64 * bits.size();
    std::uint32_t state = complete ? 0 : within_;
    for (std::size_t at = text.size(); at > from; --at) {
      const std::uint32_t entry = reversed_.table_[state + reversed_.class_of_[text[at - 1]]];
      if ((entry & Automaton::kEndsHere) != 0 && at < to)
        bits[(at - from) / 64] |= std::uint64_t{1} << (at - from) % 64;
      state = entry & ~Automaton::kEndsHere;
    }
    const std::uint32_t first = from > 0 ? reversed_.class_of_[text[from - 1]] : reversed_.end_class_;
    if ((reversed_.table_[state + first] & Automaton::kEndsHere) != 0) bits[0] |= 1;
  }

 private:
  friend class AutomatonBuilder;
  Automaton reversed_;
  std::uint32_t within_ = 0;  // the state behind which text goes on
};

}  // namespace sluice::rules
