// The out-of-order queue alone, against a plain model.
#include "dataplane/tcp/reassembly.h"

#include <map>

#include "common/random.h"
#include "tests/unit/dataplane/tcp/harness.h"

namespace sluice::tcp::test {
namespace {

std::string take(Reassembly& queue, std::uint32_t next) {
  Held out;
  queue.take_ready(next, out);
  return text_of(out.bytes());
}

TEST(Reassembly, RunsThatTouchBecomeOne) {
  buffer::Pools& pools = shared_pools();
  Reassembly queue(8, pools.blocks());
  queue.insert(pools, 10, chain_of(pools, "bb"), false);
  queue.insert(pools, 14, chain_of(pools, "dd"), false);
  EXPECT_EQ(queue.runs(), 2u);
  queue.insert(pools, 12, chain_of(pools, "cc"), false);
  EXPECT_EQ(queue.runs(), 1u);
  EXPECT_EQ(take(queue, 11), "");
  EXPECT_EQ(take(queue, 10), "bbccdd");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pinned_bytes(), 0u);
}

TEST(Reassembly, AnyInsertionsGiveTheFirstCopyOfEachByte) {
  buffer::Pools& pools = shared_pools();
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto base = static_cast<std::uint32_t>(random.next()) | 0xffffff00;
    Reassembly queue(64, pools.blocks());
    std::map<std::uint32_t, char> model;
    for (int i = 0; i < 40; ++i) {
      const auto at = static_cast<std::uint32_t>(random.below(300));
      std::string text(1 + random.below(60), '\0');
      for (char& c : text) c = static_cast<char>('a' + random.below(2));
      bool differs = false;
      for (std::uint32_t j = 0; j < text.size(); ++j) {
        const auto [it, fresh] = model.try_emplace(at + j, text[j]);
        differs = differs || (!fresh && it->second != text[j]);
      }
      const ErrorCode result = queue.insert(pools, base + at, chain_of(pools, text), random.chance(1, 3));
      EXPECT_EQ(result, differs ? ErrorCode::tcp_differing_retransmission : ErrorCode::ok) << "seed " << seed;
    }
    EXPECT_EQ(queue.length_bytes(), model.size());
    std::uint32_t at = model.begin()->first;
    std::string expected;
    for (const auto& [position, c] : model) {
      if (position != at + expected.size()) {
        EXPECT_EQ(take(queue, base + at), expected) << "seed " << seed;
        at = position;
        expected.clear();
      }
      expected += c;
    }
    EXPECT_EQ(take(queue, base + at), expected) << "seed " << seed;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.pinned_bytes(), 0u);
  }
  EXPECT_EQ(pools.in_use(), 0u);
}

TEST(Reassembly, SheddingGivesUpTheFarthestRun) {
  buffer::Pools& pools = shared_pools();
  Reassembly queue(8, pools.blocks());
  queue.insert(pools, 30, chain_of(pools, "far"), false);
  queue.insert(pools, 10, chain_of(pools, "near"), false);
  EXPECT_TRUE(queue.reaches_beyond(30));
  queue.shed_last();
  EXPECT_FALSE(queue.reaches_beyond(30));
  EXPECT_EQ(take(queue, 10), "near");
}

TEST(Held, WastefulPayloadsAreCopiedTogether) {
  buffer::Pools& pools = shared_pools();
  Held held;
  for (int i = 0; i < 1'000; ++i) {
    buffer::Chain one = chain_of(pools, "x");
    const std::size_t pinned = one.pinned_bytes();
    held.append_compact(pools, std::move(one), pinned);
  }
  EXPECT_EQ(held.bytes().segments(), 1u);
  EXPECT_LE(held.pinned_bytes(), 4096u);
  EXPECT_EQ(text_of(held.bytes()), std::string(1'000, 'x'));
}

TEST(SameBytes, ComparesAcrossPieces) {
  buffer::Pools& pools = shared_pools();
  const std::string text = pattern(5'000);
  const buffer::Chain whole = chain_of(pools, text);
  buffer::Chain cut;
  for (std::size_t at = 0; at < text.size(); at += 7) cut.append(chain_of(pools, text.substr(at, 7)));
  EXPECT_TRUE(same_bytes(whole, 3, cut, 3, 4'990));
  EXPECT_FALSE(same_bytes(whole, 3, cut, 4, 4'990));
}

}  // namespace
}  // namespace sluice::tcp::test
