// See nearby.h.
#include "dataplane/inspect/nearby.h"

#include <algorithm>

namespace sluice::inspect {
namespace {

bool is_part_of_word(std::uint8_t byte) {
  return (rules::word_bytes()[byte] && byte != '_') || byte >= 0x80;
}

bool may_begin_word(Bytes text, std::size_t at) {
  return at == 0 || !is_part_of_word(text[at - 1]) || rules::ends_escape(text, at);
}

// Calls `found` with the beginning and the first end of each whole word of `inside`, a beginning of `text`, from `from`
// on, until it returns true.
template <class Found>
bool each_word(const rules::Automaton& words, Bytes text, Bytes inside, std::size_t from, bool complete,
               std::vector<std::uint32_t>& ends, Found found) {
  for (std::size_t at = from; (at = words.find_start(inside, at, inside.size())) < inside.size(); ++at) {
    if (!may_begin_word(text, at)) continue;
    static_cast<void>(words.ends_from(inside, at, true, ends));
    for (const std::uint32_t end : ends) {
      if (end < text.size() ? is_part_of_word(text[end]) : !complete) continue;
      if (found(static_cast<std::uint32_t>(at), end)) return true;
      break;
    }
  }
  return false;
}

}  // namespace

bool word_before(const rules::Automaton& words, Bytes text, std::size_t at, std::size_t within,
                 std::vector<std::uint32_t>& ends) {
  return each_word(words, text, text.first(at), at - std::min(at, within), true, ends,
                   [](std::uint32_t, std::uint32_t) { return true; });
}

void WordsBehind::find(const rules::Automaton& words, Bytes text, std::size_t from, std::size_t to, bool complete,
                       std::vector<std::uint32_t>& ends) {
  words_.clear();
  known_ = complete ? ~std::uint64_t{0} : text.size();
  each_word(words, text, text.first(std::min(text.size(), to)), from, complete, ends,
            [this](std::uint32_t begin, std::uint32_t end) {
              words_.push_back({begin, end});
              return false;
            });
  for (std::size_t i = words_.size(); i > 1; --i) words_[i - 2].end = std::min(words_[i - 2].end, words_[i - 1].end);
}

Nearby WordsBehind::at(std::uint32_t at, std::uint32_t within) const {
  const auto word = std::ranges::lower_bound(words_, at, {}, &Word::begin);
  if (word != words_.end() && word->end <= at + within) return Nearby::yes;
  return known_ > at + within ? Nearby::no : Nearby::unknown;
}

}  // namespace sluice::inspect
