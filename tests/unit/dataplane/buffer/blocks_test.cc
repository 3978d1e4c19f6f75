// Blocks: handed out until none is left, used again, counted.
#include "dataplane/buffer/blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace sluice::buffer {
namespace {

TEST(Blocks, AreApartUntilNoneIsLeftAndThatIsCounted) {
  Blocks blocks(3);
  std::set<std::byte*> out;
  for (int i = 0; i < 3; ++i) {
    std::byte* const block = blocks.take();
    ASSERT_NE(block, nullptr);
    std::memset(block, 0xff, Blocks::kBytes);
    out.insert(block);
  }
  EXPECT_EQ(out.size(), 3u);
  EXPECT_EQ(*std::next(out.begin()) - *out.begin(), static_cast<std::ptrdiff_t>(Blocks::kBytes));
  EXPECT_EQ(blocks.take_refused(), 0u);
  EXPECT_EQ(blocks.take(), nullptr);
  EXPECT_EQ(blocks.take_refused(), 1u);
  EXPECT_EQ(blocks.in_use(), 3u);
  for (std::byte* const block : out) blocks.give_back(block);
}

TEST(Blocks, WhatCameBackIsHandedOutAgain) {
  Blocks blocks(1);
  std::byte* const first = blocks.take();
  blocks.give_back(first);
  EXPECT_EQ(blocks.in_use(), 0u);
  EXPECT_EQ(blocks.take(), first);
  blocks.give_back(first);
}

}  // namespace
}  // namespace sluice::buffer
