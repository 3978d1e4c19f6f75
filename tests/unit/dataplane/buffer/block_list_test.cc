// A list in a block: ordered, bounded, and back in the pool when it is empty.
#include "dataplane/buffer/block_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/random.h"

namespace sluice::buffer {
namespace {

struct alignas(8) Head {
  std::uint64_t note = 7;
};
using Words = BlockList<std::string, Head>;

TEST(BlockList, TakesABlockWithTheFirstValueAndGivesItBackWithTheLast) {
  Blocks blocks(1);
  Words words(blocks);
  EXPECT_EQ(blocks.in_use(), 0u);
  ASSERT_TRUE(words.reserve());
  words.insert(0, "a");
  EXPECT_EQ(blocks.in_use(), 1u);
  EXPECT_EQ(words.head().note, 7u);
  words.head().note = 8;
  words.erase(0);
  EXPECT_EQ(blocks.in_use(), 0u);
  ASSERT_TRUE(words.reserve());
  words.insert(0, "b");
  EXPECT_EQ(words.head().note, 7u) << "a new head";
  words.clear();
  EXPECT_EQ(blocks.in_use(), 0u);
}

TEST(BlockList, WithoutABlockOrRoomThereIsNoReserve) {
  Blocks blocks(1);
  Words words(blocks);
  for (std::size_t i = 0; i < Words::kMost; ++i) {
    ASSERT_TRUE(words.reserve());
    words.insert(i, std::to_string(i));
  }
  EXPECT_FALSE(words.reserve()) << "full";
  Words others(blocks);
  EXPECT_FALSE(others.reserve()) << "no block left";
  EXPECT_TRUE(others.empty());
  EXPECT_EQ(others.begin(), others.end());
}

TEST(BlockList, AgreesWithAVector) {
  Blocks blocks(1);
  Random random(1);
  Words words(blocks);
  std::vector<std::string> model;
  for (int step = 0; step < 5'000; ++step) {
    if (random.chance(1, 2) && words.reserve()) {
      const std::size_t at = random.below(model.size() + 1);
      std::string word(random.below(40), static_cast<char>('a' + step % 26));
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), word);
      words.insert(at, std::move(word));
    } else if (!model.empty()) {
      const std::size_t at = random.below(model.size());
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
      words.erase(at);
    }
    ASSERT_TRUE(std::equal(words.begin(), words.end(), model.begin(), model.end())) << step;
    ASSERT_EQ(blocks.in_use(), model.empty() ? 0u : 1u);
  }
}

}  // namespace
}  // namespace sluice::buffer
