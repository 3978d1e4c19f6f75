// Room for objects that come and go: each its own, reused, and given back when few are left.
#include "dataplane/buffer/slabs.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "common/random.h"

namespace sluice::buffer {
namespace {

constexpr std::size_t kBytes = 64 * 1024;  // few in a chunk

struct Object {
  explicit Object(std::uint64_t mark) : first(mark), last(mark) {}
  std::uint64_t first;
  std::array<std::byte, kBytes - 16> between;
  std::uint64_t last;
  [[nodiscard]] bool is(std::uint64_t mark) const { return first == mark && last == mark; }
};
static_assert(sizeof(Object) == kBytes);

TEST(Slabs, GiveEachObjectRoomOfItsOwnWhateverWentBefore) {
  Slabs slabs(kBytes);
  std::vector<std::pair<std::uint64_t, Slabs::Owned<Object>>> there;
  Random random(3);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const bool growing = i / 2000 % 2 == 0;
    if (!there.empty() && random.chance(growing ? 1 : 2, 3)) {
      const std::size_t gone = random.below(there.size());
      ASSERT_TRUE(there[gone].second->is(there[gone].first));
      std::swap(there[gone], there.back());
      there.pop_back();
    } else {
      there.emplace_back(i, slabs.make<Object>(i));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(there.back().second.get()) % 64, 0U);
    }
  }
  for (const auto& [mark, object] : there) EXPECT_TRUE(object->is(mark));
}

TEST(Slabs, KeepAFewChunksThatNobodyUses) {
  Slabs slabs(kBytes);
  std::vector<Slabs::Owned<Object>> there;
  for (std::uint64_t i = 0; i < 1000; ++i) there.push_back(slabs.make<Object>(i));
  const std::size_t most = slabs.memory_bytes();
  EXPECT_GE(most, 1000 * kBytes);
  EXPECT_LT(most, 1000 * kBytes * 11 / 10);
  there.clear();
  EXPECT_EQ(slabs.memory_bytes(), Slabs::kSpareChunks * Slabs::kChunkBytes);
  there.push_back(slabs.make<Object>(0));
  EXPECT_EQ(slabs.memory_bytes(), Slabs::kSpareChunks * Slabs::kChunkBytes);
}

}  // namespace
}  // namespace sluice::buffer
