// Memory that reads as zeros from end to end, however little of it is asked for.
#include "common/huge_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

TEST(HugeMemory, IsZeroedAndCanBeWritten) {
  constexpr std::size_t kBytes = (5U << 20) + 3;
  const HugeMemory memory(kBytes);
  EXPECT_TRUE(std::all_of(memory.data(), memory.data() + kBytes, [](std::byte b) { return b == std::byte{0}; }));
  memory.data()[0] = memory.data()[kBytes - 1] = std::byte{7};
  EXPECT_EQ(memory.data()[kBytes - 1], std::byte{7});
}

TEST(HugeMemory, OfNothingIsThereToo) {
  const HugeMemory memory(0);
  EXPECT_NE(memory.data(), nullptr);
}

}  // namespace
}  // namespace sluice
