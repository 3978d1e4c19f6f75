// Literals are found where a byte by byte look finds them, with what must stand around them, on every CPU and however
// the content is cut into pieces; and text that repeats one byte does not look like one.
#include "dataplane/inspect/literals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/random.h"
#include "rules/window.h"

namespace sluice::inspect {
namespace {

using rules::ByteSet;
using rules::Literal;
using rules::Window;

const ByteSet kAnything = ByteSet().set();

Literal literal(std::string bytes, bool caseless = false, ByteSet before = kAnything, rules::Following after = {}) {
  const auto width = static_cast<std::uint32_t>(bytes.size());
  return {std::move(bytes), caseless,        width + (before.all() ? 0 : 1), width + (before.all() ? 0 : 1),
          before,           std::move(after)};
}

// Starts that lie in the anchors of rule 0.
std::vector<std::size_t> found(const Literals& literals, const std::vector<Bytes>& pieces) {
  const auto content = std::make_unique<Content>();
  for (const Bytes piece : pieces) content->append(piece);
  Anchors anchors;
  anchors.grow_for(1);
  literals.find(*content, {0, content->length()}, anchors);
  std::vector<std::size_t> out;
  for (std::uint32_t at = anchors.first_range(0); at != Anchors::kNone; at = anchors.range(at).next)
    for (std::uint32_t i = anchors.range(at).first; i <= anchors.range(at).last; ++i) out.push_back(i);
  return out;
}

Literals literals_of(const std::vector<Literal>& all) {
  Literals literals;
  for (const Literal& one : all) literals.add(0, one);
  literals.finish();
  return literals;
}

TEST(Buckets, AreFoundAsTheirTablesTell) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    std::vector<BucketTable> tables(1 + random.below(rules::kMaxBucketTables));
    const std::size_t known = kWindowPlaces - random.below(2);
    for (BucketTable& table : tables)
      for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        Window window;
        for (ByteSet& place : window)
          for (std::uint64_t n = 1 + random.below(60); n > 0; --n) place.set(random.below(256));
        if (known < kWindowPlaces) window.back().set();
        table.add(bucket, rules::halves_of(window), window);
      }
    std::vector<std::uint8_t> bytes(64 * 5 + kWindowPlaces - 1);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
    for (const BucketFinder& finder : bucket_finders()) {
      std::vector<std::uint64_t> hits(5);
      const std::uint32_t with = finder.find(bytes.data(), 5, tables, known, hits.data());
      for (std::size_t at = 0; at < 64 * hits.size(); ++at) {
        const bool told = std::ranges::any_of(
            tables, [&](const BucketTable& table) { return (table.*finder.told)(bytes.data() + at) != 0; });
        ASSERT_EQ((hits[at / 64] >> at % 64 & 1U) != 0, told) << "seed " << seed << " at " << at;
      }
      for (std::size_t word = 0; word < hits.size(); ++word) ASSERT_EQ(hits[word] != 0, (with >> word & 1U) != 0);
    }
  }
}

TEST(Buckets, HoldEveryWindowThatWasAdded) {
  for (std::size_t table = 0; table < rules::kMaxBucketTables; ++table)
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::vector<BucketTable> tables(rules::kMaxBucketTables);
      Window window;
      for (ByteSet& place : window) place.set(byte);
      tables[table].add(5, rules::halves_of(window), window);
      const std::vector<std::uint8_t> bytes(64 + kWindowPlaces - 1, static_cast<std::uint8_t>(byte));
      for (const BucketFinder& finder : bucket_finders()) {
        EXPECT_EQ((tables[table].*finder.told)(bytes.data()), 1U << 5);
        std::uint64_t hits = 0;
        EXPECT_EQ(finder.find(bytes.data(), 1, tables, kWindowPlaces, &hits), 1U);
        EXPECT_EQ(hits, ~std::uint64_t{0}) << byte;
      }
    }
}

TEST(Literals, AreFoundWhereAByteByByteLookFindsThemHoweverContentIsCut) {
  std::size_t hits = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    static constexpr std::string_view kBytes = "abAB-@.\xe4 ";
    const auto some = [&](std::size_t count) {
      std::string out(count, ' ');
      for (char& c : out) c = kBytes[random.below(kBytes.size())];
      return out;
    };
    const auto around = [&] {
      ByteSet set;
      for (const char c : some(3)) set.set(static_cast<unsigned char>(c));
      return random.chance(1, 2) ? kAnything : set;
    };
    const auto behind = [&] {
      rules::Following sets(random.below(rules::kMaxFollowing + 1));
      for (ByteSet& set : sets) set = around();
      return sets;
    };
    std::vector<Literal> all;
    for (std::uint64_t n = 1 + random.below(40); n > 0; --n)
      all.push_back(literal(some(1 + random.below(6)), random.chance(1, 3), around(), behind()));
    const std::string text = some(random.below(1500));
    std::vector<Bytes> pieces;
    for (Bytes left = as_bytes(text); !left.empty(); left = left.subspan(pieces.back().size()))
      pieces.push_back(left.first(std::min<std::size_t>(left.size(), 1 + random.below(900))));
    std::vector<bool> expected(text.size());
    for (const Literal& one : all) {
      const auto places = rules::places_of(one);
      const std::size_t lead = one.before.all() ? 0 : 1;
      for (std::size_t at = lead; at + places.size() + one.after.size() <= text.size(); ++at) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
        bool stands = lead == 0 || one.before[byte(at - 1)];
        for (std::size_t i = 0; stands && i < places.size(); ++i) stands = places[i][byte(at + i)];
        for (std::size_t i = 0; stands && i < one.after.size(); ++i)
          stands = one.after[i][byte(at + places.size() + i)];
        if (stands) expected[at - lead] = true;
      }
    }
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < expected.size(); ++at)
      if (expected[at]) starts.push_back(at);
    hits += starts.size();
    std::vector<std::size_t> were = found(literals_of(all), pieces);
    std::ranges::sort(were);
    were.erase(std::ranges::unique(were).begin(), were.end());
    // Ranges that touch become one, with what lies between.
    for (const std::size_t start : starts) ASSERT_TRUE(std::ranges::binary_search(were, start)) << seed << " " << start;
    ASSERT_LE(were.size(), text.size());
    if (all.size() == 1) {
      ASSERT_EQ(were, starts) << seed;
    }
  }
  EXPECT_GT(hits, 5000U);
}

TEST(Literals, MayLieBehindTheStartsThatTheyTell) {
  Literal one = literal("@");
  one.min_reach = 3;
  one.max_reach = 5;
  EXPECT_EQ(found(literals_of({one}), {as_bytes("@0123456@89")}), (std::vector<std::size_t>{4, 5, 6}));
}

// '@' between letters, whose halves of bytes are also those of '@'; and no letter's lower six bits are.
TEST(Buckets, DoNotTakeTextThatRepeatsOneByteForALiteral) {
  const ByteSet name =
      rules::byte_range('a', 'z') | rules::byte_range('A', 'Z') | rules::byte_range('0', '9') | rules::single_byte('-');
  std::vector<std::vector<ByteSet>> literals = {{name, rules::single_byte('@'), name}};
  for (const std::string_view word :
       {"AKIA", "ghp_", "xoxb", "eyJh", "glpat", "AIza", "bearer", "basic", "BEGIN", "%40a"}) {
    std::vector<ByteSet>& places = literals.emplace_back();
    for (const char c : word) places.push_back(rules::single_byte(c));
  }
  const rules::BucketPlan plan = rules::plan_buckets(literals);
  std::vector<BucketTable> tables(plan.tables());
  for (std::size_t i = 0; i < plan.buckets.size(); ++i)
    for (const std::uint32_t item : plan.buckets[i].items)
      tables[i / kBuckets].add(i % kBuckets, plan.buckets[i].halves,
                               rules::window_at(literals[item], plan.windows[item]));
  for (unsigned byte = 0; byte < 128; ++byte) {
    const std::vector<std::uint8_t> bytes(kWindowPlaces, static_cast<std::uint8_t>(byte));
    for (const BucketTable& table : tables) {
      EXPECT_EQ(table.by_halves(bytes.data()), 0) << byte;
      EXPECT_EQ(table.by_low_bits(bytes.data()), 0) << byte;
    }
  }
}

}  // namespace
}  // namespace sluice::inspect
