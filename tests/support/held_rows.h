// What rows that are held say, show and give out, beside the same rows held in another way.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/random.h"
#include "dataplane/session/held.h"
#include "tests/support/relay_harness.h"

namespace sluice::session {

inline Held held_of(const std::string& bytes) {
  Held held;
  buffer::Chain chain;
  EXPECT_TRUE(chain.append_copy(test_pools(), as_bytes(bytes)));
  held.append(test_pools(), std::move(chain));
  return held;
}

inline std::string content_of(const Held& held, std::uint64_t from) {
  ContentView view;
  held.view_content(from, view);
  std::string content(view.end() - view.begin(), '\0');
  view.copy(view.begin(), view.end(), reinterpret_cast<std::uint8_t*>(content.data()));
  view.spell_out();
  std::string pieces;
  for (const Bytes piece : view.pieces()) pieces += as_text(piece);
  EXPECT_EQ(pieces, content);
  return content;
}

inline std::string text_of(const buffer::Chain& chain) {
  std::string text(chain.length_bytes(), '\0');
  chain.copy_out(0, text.size(), reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

// From the beginning, and from anywhere.
inline void expect_same_content(Random& random, const Held& ours, const Held& theirs) {
  ASSERT_EQ(ours.content_end(), theirs.content_end());
  ASSERT_EQ(content_of(ours, 0), content_of(theirs, 0));
  const std::uint64_t from = random.below(ours.content_end() + 1);
  ASSERT_EQ(content_of(ours, from), content_of(theirs, from)) << from;
}

// Stars the content of both at the same places: mostly in order, and some overlap.
inline void star_alike(Random& random, Held& ours, Held& theirs) {
  ContentView our_view;
  ContentView their_view;
  const std::uint64_t begin = random.chance(1, 2) ? 0 : random.below(ours.content_end());
  ours.view_content(begin, our_view);
  theirs.view_content(begin, their_view);
  std::uint64_t at = begin;
  for (int match = 0; match < 4; ++match) {
    at = random.chance(1, 8) ? begin : std::min(at + random.below(20), ours.content_end());
    std::string masked(random.below(std::min<std::uint64_t>(40, ours.content_end() - at) + 1), '*');
    for (char& one : masked) one = random.chance(1, 5) ? 'x' : '*';
    our_view.star(at, as_bytes(masked));
    their_view.star(at, as_bytes(masked));
  }
}

inline void expect_same_bytes(Held& ours, Held& theirs) {
  buffer::Chain our_out;
  buffer::Chain their_out;
  ASSERT_TRUE(ours.release(test_pools(), true, ours.content_end(), true, our_out));
  ASSERT_TRUE(theirs.release(test_pools(), true, theirs.content_end(), true, their_out));
  ASSERT_EQ(text_of(our_out), text_of(their_out));
}

}  // namespace sluice::session
