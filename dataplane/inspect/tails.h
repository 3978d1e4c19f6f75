// Which rules may have a match that begins near the end of what has come so far, and shows its anchor only in bytes to
// come. All rules at once, a bit a rule, walking back from the end for as long as a match may hold every byte.
// Necessary and not sufficient: the rule's automaton decides.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/content.h"
#include "rules/automaton.h"

namespace sluice::inspect {

class Tails {
 public:
  // What find() tells, part of a worker's scratch.
  struct Room {
    std::vector<std::uint64_t> alive;
    std::vector<std::uint64_t> open;  // a bit a rule: a match may begin before the last byte
    bool last_byte = false;           // one of any rule may begin at it
  };

  // Outside the data path: all rules in the order of their positions, then finish(). A match of the rule shows its
  // anchor within `reach` bytes of its start.
  void add(const rules::Automaton& automaton, std::uint32_t reach);
  void finish();
  [[nodiscard]] std::size_t words() const { return words_; }  // of a bit a rule

  // Looks at the end of the content, not before `first`.
  void find(Content& content, std::uint32_t first, Room& room) const;

 private:
  struct Rule {
    rules::ByteSet contained;
    rules::ByteSet first;
    rules::ByteSet first_after_word;
    rules::ByteSet second;
    std::uint32_t reach = 0;
  };
  // For each byte, a bit a rule.
  class Table {
   public:
    void resize(std::size_t words) { bits_.assign(256 * words, 0), words_ = words; }
    void set(const rules::ByteSet& bytes, std::size_t rule);
    [[nodiscard]] const std::uint64_t* of(std::uint8_t byte) const { return bits_.data() + byte * words_; }

   private:
    std::size_t words_ = 0;
    std::vector<std::uint64_t> bits_;
  };
  // From this distance to the end on, the rule's matches have shown their anchor.
  struct Shown {
    std::uint32_t distance = 0;
    std::uint32_t rule = 0;
  };

  void find_in_word(Bytes text, std::size_t farthest, Room& room) const;
  void find_in_words(Bytes text, std::size_t farthest, Room& room) const;

  std::vector<Rule> rules_;
  std::size_t words_ = 0;
  std::uint32_t longest_ = 0;  // distance at which nothing is left
  Table contained_;
  Table first_;
  Table first_after_word_;
  Table second_;
  std::vector<Shown> shown_;  // the nearest first
};

}  // namespace sluice::inspect
