// Bitmaps are the same on every CPU, and shapes are found where a byte by byte look finds them, however the content is
// cut into pieces.
#include "dataplane/inspect/shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "rules/automaton.h"

namespace sluice::inspect {
namespace {

using rules::ByteSet;

std::vector<std::uint8_t> random_bytes(Random& random, std::size_t count, std::string_view from) {
  std::vector<std::uint8_t> out(count);
  for (auto& byte : out)
    byte = from.empty() ? static_cast<std::uint8_t>(random.below(256))
                        : static_cast<std::uint8_t>(from[random.below(from.size())]);
  return out;
}

ByteSet set_of(std::string_view bytes) {
  ByteSet set;
  for (const char c : bytes) set.set(static_cast<unsigned char>(c));
  return set;
}

const ByteSet kAnything = ByteSet().set();

bool bit(const Bitmap& bitmap, std::size_t at) {
  return (bitmap[at / 64] >> at % 64 & 1U) != 0;
}

TEST(Atoms, CoverPrintableAsciiAndNothingElse) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    ByteSet one;
    one.set(byte);
    EXPECT_EQ(atoms_of(one).has_value(), byte >= 0x20 && byte <= 0x7f) << byte;
  }
}

TEST(Atoms, ThatAreNeverToldApartBecomeOne) {
  std::vector<AtomSet> classes = {*atoms_of(rules::byte_range('0', '9')), *atoms_of(rules::word_bytes())};
  const AtomTables merged = merge_atoms(classes);
  EXPECT_EQ(merged.count, 2U);
  EXPECT_EQ(classes[0], 1);
  EXPECT_EQ(classes[1], 3);
}

TEST(Bitmaps, AreTheSameOnEveryCpu) {
  Random random(1);
  const auto bytes = random_bytes(random, (kStripWords + 1) * kWordBytes, "");
  std::array<Bitmap, kMaxAtoms> fast{};
  std::array<Bitmap, kMaxAtoms> portable{};
  bitmaps().find_atoms(bytes.data(), kStripWords + 1, all_atoms(), fast.data(), 0);
  kPortableBitmaps.find_atoms(bytes.data(), kStripWords + 1, all_atoms(), portable.data(), 0);
  EXPECT_EQ(fast, portable);
  for (std::size_t words = 4; words <= kStripWords; words += 4) {
    for (unsigned shift = 0; shift < 64; ++shift) {
      Bitmap a{};
      Bitmap b{};
      if (shift > 0) {
        bitmaps().follow(fast[0], fast[1], shift, words, a);
        kPortableBitmaps.follow(fast[0], fast[1], shift, words, b);
        EXPECT_EQ(a, b);
      }
      EXPECT_EQ(bitmaps().meet(fast[2], shift, fast[3], 63 - shift, words, a),
                kPortableBitmaps.meet(fast[2], shift, fast[3], 63 - shift, words, b));
      EXPECT_EQ(a, b);
      bitmaps().join(fast[4], fast[5], words, a);
      kPortableBitmaps.join(fast[4], fast[5], words, b);
      EXPECT_EQ(a, b);
    }
  }
}

TEST(Bitmaps, MeetTellsTheWordsThatHaveABit) {
  Bitmap a{};
  Bitmap b{};
  Bitmap out{};
  a[0] = a[7] = a[31] = 1;
  b[0] = b[6] = b[31] = 1U << 3;
  for (const BitmapOperations& operations : {bitmaps(), kPortableBitmaps})
    EXPECT_EQ(operations.meet(a, 0, b, 3, kStripWords, out), 1U | 1U << 31);
}

TEST(Bitmaps, FollowLooksAcrossWords) {
  Bitmap a{};
  Bitmap b{};
  Bitmap out{};
  a[0] = std::uint64_t{1} << 63;
  b[1] = 1U << 4;  // 5 behind bit 63
  bitmaps().follow(a, b, 5, kStripWords, out);
  EXPECT_TRUE(bit(out, 63));
  bitmaps().follow(a, b, 6, kStripWords, out);
  EXPECT_FALSE(bit(out, 63));
}

// Starts that lie in the anchors of rule 0.
std::vector<bool> found(const Shapes& shapes, const std::vector<Bytes>& pieces) {
  const auto content = std::make_unique<Content>();
  for (const Bytes piece : pieces) content->append(piece);
  const auto room = std::make_unique<Shapes::Room>();
  Anchors anchors;
  anchors.grow_for(1);
  shapes.find(*content, {0, content->length()}, *room, anchors);
  std::vector<bool> out(content->length(), anchors.whole(0));
  for (std::uint32_t at = anchors.first_range(0); at != Anchors::kNone; at = anchors.range(at).next)
    for (std::uint32_t i = anchors.range(at).first; i <= anchors.range(at).last; ++i) out[i] = true;
  return out;
}

TEST(Shapes, AreFoundWhereAByteByByteLookFindsThem) {
  const std::vector<ByteSet> classes = {rules::byte_range('0', '9'), set_of(" -"), set_of("."), rules::word_bytes(),
                                        rules::byte_range('0', '9') | set_of(" -")};
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::vector<ByteSet> places;
    while (places.size() < 1 + random.below(16))
      places.insert(places.end(), 1 + random.below(4), classes[random.below(classes.size())]);
    Shapes shapes;
    shapes.add(0, places, kAnything);
    shapes.finish();
    const auto bytes = random_bytes(random, random.below(6000), "0123456789  --.aF_\"");
    std::vector<Bytes> pieces;
    for (Bytes left(bytes); !left.empty();) {
      const std::size_t count = 1 + random.below(random.chance(1, 3) ? 3000 : 700);
      pieces.push_back(left.first(std::min(count, left.size())));
      left = left.subspan(pieces.back().size());
    }
    const std::vector<bool> starts = found(shapes, pieces);
    ASSERT_EQ(starts.size(), bytes.size());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      bool is_start = at + places.size() <= bytes.size();
      for (std::size_t i = 0; is_start && i < places.size(); ++i) is_start = places[i][bytes[at + i]];
      ASSERT_TRUE(starts[at] || !is_start) << "seed " << seed << " at " << at;
    }
  }
}

TEST(Shapes, OfExactClassesAreFoundNowhereElse) {
  Shapes shapes;
  const std::vector<ByteSet> places(4, rules::byte_range('0', '9'));
  shapes.add(0, places, kAnything);
  shapes.finish();
  const std::string text = "12 345 6789 x12345";
  const std::vector<bool> starts = found(shapes, {as_bytes(text)});
  for (std::size_t at = 0; at < text.size(); ++at) EXPECT_EQ(starts[at], at == 7 || at == 13 || at == 14) << at;
}

TEST(Shapes, AClassWithoutAnAtomIsLookedAtInTheBytes) {
  Shapes shapes;
  const std::vector<ByteSet> places = {rules::byte_range('0', '9'), set_of("\n\x80"), rules::byte_range('0', '9')};
  shapes.add(0, places, kAnything);
  shapes.finish();
  const std::vector<bool> starts = found(shapes, {as_bytes("1\n2 3a4 5\x81\x82")});
  for (std::size_t at = 0; at < starts.size(); ++at) EXPECT_EQ(starts[at], at == 0) << at;
}

TEST(Shapes, WithoutAnyAtomAreLookedAtInTheBytes) {
  Shapes shapes;
  const std::vector<ByteSet> nothing_known = {set_of("\x80\x81"), set_of("\x82\x83")};
  shapes.add(0, nothing_known, kAnything);
  shapes.finish();
  const std::vector<bool> starts = found(shapes, {as_bytes("1\n2 3a4 5\x81\x82")});
  for (std::size_t at = 0; at < starts.size(); ++at) EXPECT_EQ(starts[at], at == 9) << at;
}

// Four digits at a boundary, in runs of digits of any length: found at the begin of each, also where a word of bits or
// a piece of the content ends before it, and nowhere else.
TEST(Shapes, AreNotFoundBehindWhatNeverStandsBeforeThem) {
  Shapes shapes;
  const std::vector<ByteSet> places(4, rules::byte_range('0', '9'));
  ByteSet before = ~rules::word_bytes();
  for (const char c : rules::kEscapeEnds) before.set(static_cast<unsigned char>(c));
  shapes.add(0, places, before);
  shapes.finish();
  std::size_t between = 0;  // starts that are many, close together
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::string text;
    while (text.size() < 5000)
      text += std::string(random.chance(1, 8) ? 500 : random.below(9), '7') + (random.chance(1, 3) ? "n" : " ");
    std::vector<Bytes> pieces;
    for (Bytes left = as_bytes(text); !left.empty(); left = left.subspan(pieces.back().size()))
      pieces.push_back(left.first(std::min<std::size_t>(left.size(), 1 + random.below(900))));
    const std::vector<bool> starts = found(shapes, pieces);
    for (std::size_t at = 0; at < text.size(); ++at) {
      const bool stands = text.compare(at, 4, "7777") == 0 && (at == 0 || text[at - 1] != '7');
      ASSERT_TRUE(starts[at] || !stands) << "seed " << seed << " at " << at;
      between += starts[at] && !stands ? 1 : 0;
    }
  }
  EXPECT_LE(between, 200U * 5000 / 20);
}

}  // namespace
}  // namespace sluice::inspect
