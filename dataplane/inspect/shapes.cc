// See shapes.h.
#include "dataplane/inspect/shapes.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

#include "common/assert.h"

namespace sluice::inspect {
namespace {

constexpr std::size_t kStripBytes = kStripWords * kWordBytes;
constexpr std::size_t kMostPlaces = kWordBytes;  // a shape that begins in a strip ends in the word behind it
constexpr std::uint8_t kNoBitmap = 0xff;

}  // namespace

void Shapes::add(std::uint32_t rule, const std::vector<rules::ByteSet>& places) {
  SLUICE_ASSERT(places.size() <= kMostPlaces);
  Shape shape{.rule = rule, .places = static_cast<std::uint32_t>(places.size()), .runs = {}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto atoms = atoms_of(places[i]);
    if (!atoms) continue;
    Run* last = shape.runs.empty() ? nullptr : &shape.runs.back();
    if (last != nullptr && last->atoms == *atoms && std::size_t{last->offset} + last->length == i)
      ++last->length;
    else
      shape.runs.push_back({.atoms = *atoms, .offset = static_cast<std::uint8_t>(i), .length = 1});
  }
  shapes_.push_back(std::move(shape));
}

void Shapes::finish() {
  std::vector<AtomSet> classes;
  for (const Shape& shape : shapes_)
    for (const Run& run : shape.runs) classes.push_back(run.atoms);
  tables_ = merge_atoms(classes);
  auto now = classes.begin();
  for (Shape& shape : shapes_) {
    for (Run& run : shape.runs) {
      run.atoms = *now++;
      run.bitmap = bitmap_of(run.atoms, run.length);
    }
    std::erase_if(shape.runs, [](const Run& run) { return run.bitmap == kNoBitmap; });
    std::ranges::sort(shape.runs, {}, [](const Run& run) {
      return std::tuple(std::popcount(run.atoms), -static_cast<int>(run.length), run.offset);
    });
  }
}

// The bitmap of runs of `length` bytes of these atoms; what it is made of is made first.
std::uint8_t Shapes::bitmap_of(AtomSet atoms, std::uint8_t length) {
  if (length == 1 && std::has_single_bit(atoms)) return static_cast<std::uint8_t>(std::countr_zero(atoms));
  const auto known =
      std::ranges::find_if(steps_, [&](const Step& s) { return s.atoms == atoms && s.length == length; });
  if (known != steps_.end())
    return static_cast<std::uint8_t>(tables_.count + static_cast<std::size_t>(known - steps_.begin()));
  Step step{.atoms = atoms, .length = length};
  if (length == 1) {
    const auto one = static_cast<AtomSet>(atoms & -atoms);
    step.first = bitmap_of(one, 1);
    step.second = bitmap_of(static_cast<AtomSet>(atoms & ~one), 1);
  } else {  // of the longest half that doubling gives: 9 is 8 and 8 one behind it
    const auto half = static_cast<std::uint8_t>(std::bit_floor(static_cast<unsigned>(length) - 1));
    step.first = step.second = bitmap_of(atoms, half);
    step.shift = static_cast<std::uint8_t>(length - half);
  }
  if (step.first == kNoBitmap || step.second == kNoBitmap || tables_.count + steps_.size() == kMaxBitmaps)
    return kNoBitmap;
  steps_.push_back(step);
  return static_cast<std::uint8_t>(tables_.count + steps_.size() - 1);
}

// All bitmaps of the strip that begins at `begin`. No atom holds what lies behind the content.
void Shapes::find_bitmaps(const Content& content, std::uint32_t begin, Room& room) const {
  const BitmapOperations& operations = bitmaps();
  const std::uint32_t length = content.length();
  for (std::size_t word = 0; word <= kStripWords;) {
    const auto at = static_cast<std::uint32_t>(begin + word * kWordBytes);
    if (at >= length) {
      for (std::size_t atom = 0; atom < tables_.count; ++atom)
        std::fill(room.bitmaps[atom].begin() + static_cast<std::ptrdiff_t>(word), room.bitmaps[atom].end(), 0);
      break;
    }
    const Bytes run = content.run_from(at);
    if (run.size() >= kWordBytes) {
      const std::size_t words = std::min(run.size() / kWordBytes, kStripWords + 1 - word);
      operations.find_atoms(run.data(), words, tables_, room.bitmaps.data(), word);
      word += words;
      continue;
    }
    std::array<std::uint8_t, kWordBytes> mixed{};
    for (std::uint32_t have = 0; have < kWordBytes && at + have < length;) {
      const Bytes piece = content.run_from(at + have);
      const std::size_t here = std::min<std::size_t>(piece.size(), kWordBytes - have);
      std::memcpy(mixed.data() + have, piece.data(), here);
      have += static_cast<std::uint32_t>(here);
    }
    operations.find_atoms(mixed.data(), 1, tables_, room.bitmaps.data(), word++);
  }
  std::size_t made = tables_.count;
  for (const Step& step : steps_) {
    const Bitmap& first = room.bitmaps[step.first];
    const Bitmap& second = room.bitmaps[step.second];
    Bitmap& to = room.bitmaps[made++];
    step.shift == 0 ? operations.join(first, second, to) : operations.follow(first, second, step.shift, to);
  }
}

bool Shapes::find_starts(const Shape& shape, Room& room) {
  room.starts.fill(~std::uint64_t{0});
  for (const Run& run : shape.runs)
    if (!bitmaps().intersect(room.starts, room.bitmaps[run.bitmap], run.offset)) return false;
  return true;
}

void Shapes::find(const Content& content, Room& room, Anchors& anchors) const {
  const std::uint32_t length = content.length();
  for (std::uint32_t begin = 0; begin < length; begin += kStripBytes) {
    find_bitmaps(content, begin, room);
    for (const Shape& shape : shapes_) {
      if (!find_starts(shape, room)) continue;
      for (std::size_t word = 0; word < kStripWords; ++word) {
        for (std::uint64_t left = room.starts[word]; left != 0; left &= left - 1) {
          const auto start =
              static_cast<std::uint32_t>(begin + word * kWordBytes + static_cast<std::size_t>(std::countr_zero(left)));
          if (start + shape.places > length) break;
          anchors.add(shape.rule, {.first = start, .last = start, .first_end = start + shape.places});
        }
      }
    }
  }
}

}  // namespace sluice::inspect
