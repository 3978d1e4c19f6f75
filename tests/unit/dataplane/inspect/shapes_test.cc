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

// Of a bitmap what has a meaning: the words and the one behind them.
std::vector<std::uint64_t> known(const Bitmap& bitmap, std::size_t words) {
  return {bitmap.begin(), bitmap.begin() + static_cast<std::ptrdiff_t>(words) + 1};
}

TEST(Bitmaps, AreTheSameOnEveryCpu) {
  Random random(1);
  const auto bytes = random_bytes(random, (kStripWords + 1) * kWordBytes, "");
  const BitmapOperations& portable = usable_bitmaps().front();
  std::array<Bitmap, kMaxAtoms> expected{};
  portable.find_atoms(bytes.data(), kStripWords + 1, all_atoms(), expected.data(), 0);
  for (const BitmapOperations& fast : usable_bitmaps().subspan(1)) {
    std::array<Bitmap, kMaxAtoms> atoms{};
    fast.find_atoms(bytes.data(), kStripWords + 1, all_atoms(), atoms.data(), 0);
    ASSERT_EQ(atoms, expected);
    for (std::size_t words = kGroupWords; words <= kStripWords; words += kGroupWords) {
      for (unsigned shift = 0; shift < 64; ++shift) {
        Bitmap a{};
        Bitmap b{};
        if (shift > 0) {
          fast.follow(atoms[0], atoms[1], shift, words, a);
          portable.follow(atoms[0], atoms[1], shift, words, b);
          EXPECT_EQ(known(a, words), known(b, words));
        }
        EXPECT_EQ(fast.meet(atoms[2], shift, atoms[3], 63 - shift, words, a),
                  portable.meet(atoms[2], shift, atoms[3], 63 - shift, words, b));
        EXPECT_EQ(known(a, words - 1), known(b, words - 1));
        fast.join(atoms[4], atoms[5], words, a);
        portable.join(atoms[4], atoms[5], words, b);
        EXPECT_EQ(known(a, words), known(b, words));
        // What was found is met with more, in its place.
        a = b = atoms[4];
        EXPECT_EQ(fast.meet(a, 0, atoms[5], shift, words, a), portable.meet(b, 0, atoms[5], shift, words, b));
        EXPECT_EQ(known(a, words - 1), known(b, words - 1));
      }
    }
  }
}

TEST(Bitmaps, MeetTellsTheWordsThatHaveABit) {
  Bitmap a{};
  Bitmap b{};
  Bitmap out{};
  a[0] = a[7] = a[31] = 1;
  b[0] = b[6] = b[31] = 1U << 3;
  for (const BitmapOperations& operations : usable_bitmaps())
    EXPECT_EQ(operations.meet(a, 0, b, 3, kStripWords, out), 1U | 1U << 31);
}

TEST(Bitmaps, FollowLooksAcrossWords) {
  Bitmap a{};
  Bitmap b{};
  Bitmap out{};
  a[0] = std::uint64_t{1} << 63;
  b[1] = 1U << 4;  // 5 behind bit 63
  for (const BitmapOperations& operations : usable_bitmaps()) {
    operations.follow(a, b, 5, kStripWords, out);
    EXPECT_TRUE(bit(out, 63));
    operations.follow(a, b, 6, kStripWords, out);
    EXPECT_FALSE(bit(out, 63));
  }
}

// Starts that lie in the anchors of each rule.
std::vector<std::vector<bool>> found(const Shapes& shapes, std::size_t rules, const std::vector<Bytes>& pieces) {
  const auto content = std::make_unique<Content>();
  for (const Bytes piece : pieces) content->append(piece);
  const auto room = std::make_unique<Shapes::Room>();
  Anchors anchors;
  anchors.grow_for(rules);
  shapes.find(*content, {0, content->length()}, *room, anchors);
  std::vector<std::vector<bool>> out;
  for (std::uint32_t rule = 0; rule < rules; ++rule) {
    std::vector<bool>& starts = out.emplace_back(content->length(), anchors.whole(rule));
    for (std::uint32_t at = anchors.first_range(rule); at != Anchors::kNone; at = anchors.range(at).next)
      for (std::uint32_t i = anchors.range(at).first; i <= anchors.range(at).last; ++i) starts[i] = true;
  }
  return out;
}
std::vector<bool> found(const Shapes& shapes, const std::vector<Bytes>& pieces) {
  return found(shapes, 1, pieces).front();
}

std::vector<Bytes> cut(Random& random, Bytes bytes) {
  std::vector<Bytes> pieces;
  for (; !bytes.empty(); bytes = bytes.subspan(pieces.back().size()))
    pieces.push_back(
        bytes.first(std::min<std::size_t>(1 + random.below(random.chance(1, 3) ? 3000 : 700), bytes.size())));
  return pieces;
}

// What a shape may tell too often: of a word of 64 places all that lies between its first and its last candidate, where
// they are many, and the first of them is a start or they are a quarter of it.
constexpr std::size_t kFullWord = 8;

// Each start that stands is found; one that does not, only in a word that is full. Returns how many of those there are.
std::size_t expect_starts(const std::vector<bool>& starts, const std::vector<bool>& standing, const std::string& what) {
  EXPECT_EQ(starts.size(), standing.size());
  std::size_t wrong = 0;
  for (std::size_t begin = 0; begin < starts.size(); begin += kWordBytes) {
    const std::size_t end = std::min(starts.size(), begin + kWordBytes);
    std::size_t here = 0;
    std::size_t wrong_here = 0;
    for (std::size_t at = begin; at < end; ++at) {
      EXPECT_TRUE(starts[at] || !standing[at]) << what << " at " << at;
      here += starts[at] ? 1 : 0;
      wrong_here += starts[at] && !standing[at] ? 1 : 0;
    }
    EXPECT_TRUE(wrong_here == 0 || here >= kFullWord) << what << " in the word at " << begin;
    wrong += wrong_here;
  }
  return wrong;
}

std::vector<bool> standing(const std::vector<ByteSet>& places, Bytes bytes) {
  std::vector<bool> out(bytes.size());
  for (std::size_t at = 0; at + places.size() <= bytes.size(); ++at) {
    out[at] = true;
    for (std::size_t i = 0; out[at] && i < places.size(); ++i) out[at] = places[i][bytes[at + i]];
  }
  return out;
}

// One by itself, and several that share bitmaps: more than there is room for.
TEST(Shapes, AreFoundWhereAByteByByteLookFindsThem) {
  const std::vector<ByteSet> classes = {rules::byte_range('0', '9'), set_of(" -"), set_of("."), rules::word_bytes(),
                                        rules::byte_range('0', '9') | set_of(" -")};
  std::size_t all = 0;
  std::size_t wrong = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    std::vector<std::vector<ByteSet>> of_rules(seed % 3 == 0 ? 12 : 1);
    Shapes shapes;
    for (std::uint32_t rule = 0; rule < of_rules.size(); ++rule) {
      std::vector<ByteSet>& places = of_rules[rule];
      while (places.size() < 1 + random.below(16))
        places.insert(places.end(), 1 + random.below(4), classes[random.below(classes.size())]);
      shapes.add(rule, places, kAnything, 2 + random.below(3));
    }
    shapes.finish();
    const auto bytes = random_bytes(random, random.below(6000), "0123456789  --.aF_\"");
    const auto starts = found(shapes, of_rules.size(), cut(random, bytes));
    for (std::size_t rule = 0; rule < of_rules.size(); ++rule) {
      wrong += expect_starts(starts[rule], standing(of_rules[rule], bytes), "seed " + std::to_string(seed));
      all += bytes.size();
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_LE(wrong, all / 10);  // the text is made of what the shapes are
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

// Dates with an hour begin like card numbers; so does one that is cut off, which may yet become one.
TEST(Shapes, AreFoundOnlyWhereThereIsEnoughOfWhatAMatchHolds) {
  const ByteSet digits = rules::byte_range('0', '9');
  const ByteSet either = digits | set_of(" -");
  std::vector<ByteSet> places(4, digits);
  places.resize(13, either);
  Shapes shapes;
  shapes.add(0, places, kAnything, 2, {.of = digits, .within = either, .least = 13});
  shapes.finish();
  const std::string text = "2026-11-22 10:31:00 x 4111-1111-1111-1111 x 2026-11-22 10";
  Random random(1);
  for (int round = 0; round < 100; ++round) {
    const std::vector<bool> starts = found(shapes, cut(random, as_bytes(text)));
    for (std::size_t at = 0; at < text.size(); ++at) {
      const bool stands = at == text.find("4111") || at == text.rfind("2026");
      EXPECT_EQ(starts[at], stands) << at;
    }
  }
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
  std::size_t wrong = 0;
  std::size_t all = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    std::string text;
    while (text.size() < 5000)
      text += std::string(random.chance(1, 8) ? 500 : random.below(9), '7') + (random.chance(1, 3) ? "n" : " ");
    std::vector<bool> standing(text.size());
    for (std::size_t at = 0; at < text.size(); ++at)
      standing[at] = text.compare(at, 4, "7777") == 0 && (at == 0 || text[at - 1] != '7');
    wrong += expect_starts(found(shapes, cut(random, as_bytes(text))), standing, "seed " + std::to_string(seed));
    all += text.size();
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_LE(wrong, all / 100);
}

}  // namespace
}  // namespace sluice::inspect
