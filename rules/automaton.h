// One expression as a table: from a given start, one lookup a byte tells every end of a match there, and
// whether bytes to come could add another. Anchored at the start and without cycles, since every repetition
// is bounded: no run is longer than the widest match. Built once outside the data path, then immutable. That a table
// would be too large is found out when a policy is checked, and again when one is loaded: by the same count.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "rules/byte_span.h"
#include "rules/expression.h"

namespace sluice::rules {

inline constexpr std::size_t kMaxTableEntries = 256 * 1024;  // 1 MiB a rule

// Two bytes such as \n, as JSON and source text write a line's end, stand before `at`. Where a match begins they are
// no word, though their last byte is a letter.
inline constexpr std::string_view kEscapeEnds = "ntrbf";
inline bool ends_escape(Bytes text, std::size_t at) {
  return at >= 2 && text[at - 2] == '\\' && kEscapeEnds.find(static_cast<char>(text[at - 1])) != kEscapeEnds.npos;
}

inline constexpr std::uint32_t kContextBytes = 2;  // that tell whether a word stands before a position

// Those of word_bytes(), for who asks at each byte.
inline constexpr auto kIsWord = [] {
  std::array<bool, 256> table{};
  for (const std::string_view range : {"09", "AZ", "az", "__"})
    for (auto byte = static_cast<unsigned char>(range[0]); byte <= static_cast<unsigned char>(range[1]); ++byte)
      table[byte] = true;
  return table;
}();

// What begins at `at` would begin in the middle of a word.
inline bool is_after_word(Bytes text, std::size_t at) {
  return at > 0 && kIsWord[text[at - 1]] && !ends_escape(text, at);
}

class Automaton {
 public:
  // Nothing when the table would have more than kMaxTableEntries, or take too long to make. The expression is one
  // that parse_expression() gave, or a part of one, which may match nothing; never wider than kMaxMatchBytes.
  static std::optional<Automaton> build(const Expression& expression);

  [[nodiscard]] std::uint32_t min_width() const { return min_width_; }
  [[nodiscard]] std::uint32_t max_width() const { return max_width_; }
  // False of an expression that contradicts itself (`a\bb`).
  [[nodiscard]] bool can_match() const;
  // Bytes that can be part of a match.
  [[nodiscard]] bool may_contain(std::uint8_t byte) const { return contained_.holds(byte); }
  [[nodiscard]] const ByteSpan& contained() const { return contained_; }

  // For each of the first `depth` bytes of a match, at most min_width(), what it can be.
  [[nodiscard]] std::vector<ByteSet> first_bytes(std::uint32_t depth) const;
  // The same, apart by which of the bytes are a word's, which are % and which are others, while there are no more than
  // `most` of them. Every match begins like one.
  [[nodiscard]] std::vector<std::vector<ByteSet>> first_bytes_apart(std::uint32_t depth, std::size_t most) const;

  // A match could begin with this byte; `after_word`: behind a byte that makes it the middle of a word.
  [[nodiscard]] bool may_begin(std::uint8_t byte, bool after_word) const {
    return table_[(after_word ? initial_after_word_ : initial_) + class_of_[byte]] != kDead;
  }

  // The first position in [from, to) where a match could start by its first byte; `to` when there is none.
  [[nodiscard]] std::size_t find_start(Bytes text, std::size_t from, std::size_t to) const {
    for (; from < to; ++from) {
      if (table_[initial(text, from) + class_of_[text[from]]] != kDead) break;
    }
    return from;
  }

  // How many bytes are looked at from `start` on, whether or not a match is there.
  [[nodiscard]] std::size_t bytes_read(Bytes text, std::size_t start) const {
    std::uint32_t state = initial(text, start);
    std::size_t at = start;
    while (at < text.size() && (state = table_[state + class_of_[text[at++]]] & ~kEndsHere) != kDead) {
    }
    return at - start;
  }

  // Puts the ends of all matches that start at `start` into `ends`, ascending; never more than
  // max_width(), so reserve that. `complete`: the text ends where `text` does. False when it does not,
  // and the bytes behind it could still change `ends`, which then holds nothing of use. Adds to `lookups` how many
  // bytes it looked at.
  [[nodiscard]] bool ends_from(Bytes text, std::size_t start, bool complete, std::vector<std::uint32_t>& ends,
                               std::uint64_t* lookups = nullptr) const {
    return run(text, start, complete, initial(text, start), ends, lookups);
  }
  // The same when it is known whether a word stands before `start`.
  [[nodiscard]] bool ends_from(Bytes text, std::size_t start, bool complete, bool after_word,
                               std::vector<std::uint32_t>& ends) const {
    return run(text, start, complete, after_word ? initial_after_word_ : initial_, ends, nullptr);
  }

 private:
  friend class AutomatonBuilder;
  friend class StartFilter;

  // What may stand at each place from the start on, and the states behind them.
  struct Path {
    std::vector<ByteSet> sets;
    std::vector<std::uint32_t> states;
  };
  // With a byte of `among`; nothing when there is none.
  [[nodiscard]] std::optional<Path> longer(const Path& path, const ByteSet& among) const;

  [[nodiscard]] bool run(Bytes text, std::size_t start, bool complete, std::uint32_t state,
                         std::vector<std::uint32_t>& ends, std::uint64_t* lookups) const {
    ends.clear();
    std::size_t at = start;
    if (!head_.empty()) {
      const std::size_t count = in_head_.at_begin(text.subspan(start, std::min(text.size() - start, head_.size())));
      if (count > 0) state = head_[count - 1];
      at += count;
    }
    for (; at < text.size(); ++at) {
      const std::uint32_t entry = table_[state + class_of_[text[at]]];
      if ((entry & kEndsHere) != 0) ends.push_back(static_cast<std::uint32_t>(at));
      state = entry & ~kEndsHere;
      if (state == kDead) {
        if (lookups != nullptr) *lookups += at + 1 - start;
        return true;
      }
    }
    if (lookups != nullptr) *lookups += text.size() - start;
    const std::uint32_t entry = table_[state + (complete ? end_class_ : open_class_)];
    if ((entry & kOpen) != 0) return false;
    if ((entry & kEndsHere) != 0) ends.push_back(static_cast<std::uint32_t>(text.size()));
    return true;
  }

  [[nodiscard]] std::uint32_t initial(Bytes text, std::size_t start) const {
    return start > 0 && is_word_[text[start - 1]] && !ends_escape(text, start) ? initial_after_word_ : initial_;
  }

  // An entry is the next state's row, and whether a match ends before the byte that is looked up. Two
  // columns stand behind those of the bytes: the end of the text, and text that goes on with unknown bytes.
  static constexpr std::uint32_t kEndsHere = 1U << 31;
  static constexpr std::uint32_t kOpen = 1U << 30;
  static constexpr std::uint32_t kDead = 0;  // row of the state without a way on

  std::vector<std::uint32_t> table_;
  std::array<std::uint8_t, 256> class_of_{};  // bytes that no part of the expression tells apart
  std::array<bool, 256> is_word_{};
  ByteSpan contained_;
  std::uint32_t initial_ = 0;
  std::uint32_t initial_after_word_ = 0;
  // Where every match may begin with many bytes of one set that lead to the same states (the name in an address): those
  // states by the number of bytes, so that a run of them is counted and not looked up byte by byte.
  std::vector<std::uint32_t> head_;
  ByteSpan in_head_;
  std::uint32_t end_class_ = 0;
  std::uint32_t open_class_ = 0;
  std::uint32_t min_width_ = 0;
  std::uint32_t max_width_ = 0;
};

}  // namespace sluice::rules
