// Bytes of a set are counted as a byte by byte look counts them.
#include "rules/byte_span.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/random.h"

namespace sluice::rules {
namespace {

TEST(ByteSpan, CountsWhatALookAtEachByteCounts) {
  std::size_t counted = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    ByteSet set;
    for (std::size_t byte = 0; byte < 256; ++byte) set[byte] = random.chance(1, 2);
    set.set(random.below(256));
    std::vector<std::uint8_t> members;
    for (unsigned byte = 0; byte < 256; ++byte)
      if (set[byte]) members.push_back(static_cast<std::uint8_t>(byte));
    std::vector<std::uint8_t> text(random.below(200));
    for (auto& byte : text) byte = members[random.below(members.size())];
    for (std::uint64_t others = random.below(3); others > 0 && !text.empty(); --others)
      text[random.below(text.size())] = static_cast<std::uint8_t>(random.below(256));
    const ByteSpan span(set);
    ASSERT_EQ(span.at_begin(text), span.at_begin_portable(text)) << "seed " << seed;
    ASSERT_EQ(span.at_end(text), span.at_end_portable(text)) << "seed " << seed;
    std::size_t expected = 0;
    while (expected < text.size() && set[text[expected]]) ++expected;
    ASSERT_EQ(span.at_begin(text), expected) << "seed " << seed;
    const std::size_t most = random.below(text.size() + 1);
    ASSERT_EQ(span.at_begin(text, most), std::min(expected, most)) << "seed " << seed;
    counted += expected;
  }
  EXPECT_GT(counted, 10'000U);
}

}  // namespace
}  // namespace sluice::rules
