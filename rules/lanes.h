// Lanes of an automaton: states in a row, from each of which all bytes of one set lead to the next, and no match ends
// on the way (`[a-z]{1,900}@`). A run of such bytes is counted and not looked up byte by byte; and where it ends is
// remembered, so that a thousand starts that all come through it cost no more than its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/bytes.h"
#include "rules/byte_span.h"

namespace sluice::rules {

struct Lane {
  ByteSpan bytes;
  std::vector<std::uint32_t> states;  // rows of the table
};

// What runs of automata from many starts of one content share.
class RunRoom {
 public:
  // Another content, or another automaton.
  void forget() { lane_ = nullptr; }
  // Of the content the text that is looked at begins here.
  void set_begin(std::size_t begin) { begin_ = begin; }

  // How many bytes of the text from `at` on, at most `most`, are of the lane's set.
  std::size_t count(const Lane& lane, Bytes text, std::size_t at, std::size_t most);

  // Bytes that were looked at; of those that were counted at once, 32 are one.
  std::uint64_t lookups = 0;

 private:
  // The content's bytes [from_, to_) are of the lane's set.
  const Lane* lane_ = nullptr;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t begin_ = 0;
};

}  // namespace sluice::rules
