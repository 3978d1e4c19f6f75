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
#include "rules/lanes.h"

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

// Between which two bytes a match may end, as far as they tell.
struct EndPlaces {
  std::array<std::uint8_t, 256> class_of{};
  std::uint32_t classes = 0;
  std::uint32_t at_end = 0;  // the class of what stands behind the text
  // Whether it may: in the row of the class before, by the class behind.
  std::vector<std::uint8_t> pairs;
  [[nodiscard]] std::uint32_t row(std::uint32_t before) const { return before * (classes + 1); }
};

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

  // How many bytes of `set` every match holds at least (quota.cc).
  [[nodiscard]] std::uint32_t least_of(const ByteSet& set) const;

  [[nodiscard]] EndPlaces ends_between() const;

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
    while (at < text.size() && (state = table_[state + class_of_[text[at++]]] & kRow) != kDead) {
    }
    return at - start;
  }

  // Puts the ends of all matches that start at `start` into `ends`, ascending; never more than
  // max_width(), so reserve that. `complete`: the text ends where `text` does. False when it does not,
  // and the bytes behind it could still change `ends`, which then holds nothing of use. Adds to `room` how many
  // bytes it looked at.
  [[nodiscard]] bool ends_from(Bytes text, std::size_t start, bool complete, std::vector<std::uint32_t>& ends,
                               RunRoom& room) const {
    return run(text, start, complete, initial(text, start), ends, room);
  }
  [[nodiscard]] bool ends_from(Bytes text, std::size_t start, bool complete, std::vector<std::uint32_t>& ends) const {
    RunRoom room;
    return ends_from(text, start, complete, ends, room);
  }
  // The same when it is known whether a word stands before `start`.
  [[nodiscard]] bool ends_from(Bytes text, std::size_t start, bool complete, bool after_word,
                               std::vector<std::uint32_t>& ends) const {
    RunRoom room;
    return run(text, start, complete, after_word ? initial_after_word_ : initial_, ends, room);
  }
  // The last of them alone; kNoEnd, or kOpenEnd where ends_from() is false.
  static constexpr std::uint32_t kNoEnd = ~std::uint32_t{0};
  static constexpr std::uint32_t kOpenEnd = kNoEnd - 1;
  [[nodiscard]] std::uint32_t longest_from(Bytes text, std::size_t start, bool complete, RunRoom& room) const {
    return run_longest(text, start, complete, initial(text, start), room);
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

  // See lanes.cc.
  [[nodiscard]] bool run(Bytes text, std::size_t start, bool complete, std::uint32_t state,
                         std::vector<std::uint32_t>& ends, RunRoom& room) const;
  [[nodiscard]] std::uint32_t run_longest(Bytes text, std::size_t start, bool complete, std::uint32_t state,
                                          RunRoom& room) const;
  // Calls on_end(end) for each end. False when bytes to come could add another.
  template <class OnEnd>
  [[nodiscard]] bool walk(Bytes text, std::size_t start, bool complete, std::uint32_t state, RunRoom& room,
                          OnEnd&& on_end) const;
  class WidestWays;
  void find_lanes();
  // From `state`, reached before `at`: how many bytes lead on in its lane, and to which state.
  [[nodiscard]] std::size_t follow_lane(Bytes text, std::size_t at, std::uint32_t& state, RunRoom& room) const;

  [[nodiscard]] std::uint32_t initial(Bytes text, std::size_t start) const {
    return start > 0 && is_word_[text[start - 1]] && !ends_escape(text, start) ? initial_after_word_ : initial_;
  }

  // An entry is the next state's row, whether a match ends before the byte that is looked up, and whether that state
  // stands in a lane. Two columns stand behind those of the bytes: the end of the text, and text that goes on with
  // unknown bytes, where a state in a lane has its place in it.
  static constexpr std::uint32_t kEndsHere = 1U << 31;
  static constexpr std::uint32_t kOpen = 1U << 30;
  static constexpr std::uint32_t kInLane = 1U << 29;
  static constexpr std::uint32_t kRow = kInLane - 1;
  static constexpr std::uint32_t kDead = 0;  // row of the state without a way on
  static constexpr unsigned kLaneShift = 18;
  static constexpr std::size_t kMaxLanes = 1U << (29 - kLaneShift);
  static_assert(kMaxTableEntries <= 1U << kLaneShift);

  std::vector<std::uint32_t> table_;
  std::array<std::uint8_t, 256> class_of_{};  // bytes that no part of the expression tells apart
  std::array<bool, 256> is_word_{};
  ByteSpan contained_;
  std::uint32_t initial_ = 0;
  std::uint32_t initial_after_word_ = 0;
  std::vector<Lane> lanes_;
  std::uint32_t end_class_ = 0;
  std::uint32_t open_class_ = 0;
  std::uint32_t min_width_ = 0;
  std::uint32_t max_width_ = 0;
};

}  // namespace sluice::rules
