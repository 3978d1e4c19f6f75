// See shapes.h.
#include "dataplane/inspect/shapes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "common/assert.h"
#include "rules/frequency.h"

namespace sluice::inspect {
namespace {

constexpr std::size_t kStripBytes = kStripWords * kWordBytes;
constexpr std::uint8_t kLongestRun = 8;
constexpr int kDense = 16;            // candidates in a word: to look at each costs more than it spares
constexpr int kLikelyDense = 8;       // so it does of as many when the first is one
constexpr double kOftenEnough = 0.5;  // that a run of another class tells little
constexpr double kRareEnough = 1e-5;

}  // namespace

// The runs that tell most, of lengths that doubling gives.
std::vector<Shapes::Run> Shapes::runs_of(const std::vector<rules::ByteSet>& places, std::size_t most) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto atoms = atoms_of(places[i]);
    if (!atoms) continue;
    const Run run{
        .atoms = *atoms, .offset = static_cast<std::uint8_t>(i), .length = 1, .often = rules::frequency(places[i])};
    Run* last = runs.empty() ? nullptr : &runs.back();
    if (last != nullptr && last->atoms == run.atoms && last->offset + last->length == run.offset &&
        last->length < kLongestRun) {
      ++last->length;
      last->often *= run.often;
    } else {
      runs.push_back(run);
    }
  }
  for (Run& run : runs) {
    const auto length = static_cast<std::uint8_t>(std::bit_floor(unsigned{run.length}));
    run.often = std::pow(run.often, static_cast<double>(length) / run.length);
    run.length = length;
  }
  // Two of one class would agree too often, as in text that is nothing but digits.
  std::ranges::sort(runs, {}, [](const Run& run) { return std::pair(run.often, run.offset); });
  const auto other = std::ranges::find_if(
      runs, [&](const Run& run) { return run.atoms != runs.front().atoms && run.often <= kOftenEnough; });
  if (other != runs.end()) std::rotate(runs.begin() + 1, other, other + 1);
  // More of them while these would be found too often.
  std::size_t count = 0;
  for (double often = 1; count < runs.size() && count < most && (count < 2 || often > kRareEnough); ++count)
    often *= runs[count].often;
  runs.resize(count);
  return runs;
}

void Shapes::add(std::uint32_t rule, const std::vector<rules::ByteSet>& places, const rules::ByteSet& before,
                 std::size_t most_runs, const rules::Quota& quota) {
  SLUICE_ASSERT(!places.empty() && places.size() <= kMaxPlaces);
  Shape shape{.rule = rule,
              .places = static_cast<std::uint32_t>(places.size()),
              .runs = runs_of(places, most_runs),
              .places_of = std::vector<std::uint32_t>(256),
              .before = before,
              .not_before = atoms_within(all_atoms(), ~before),
              .quota = {}};
  const auto of = atoms_of(quota.of);
  const auto within = atoms_of(quota.within);
  const auto is_looked_for = [&](AtomSet atoms) { return std::ranges::count(shape.runs, atoms, &Run::atoms) > 0; };
  if (quota.least > 0 && of && within && is_looked_for(*of) && is_looked_for(*within))
    shape.quota = {.of = *of, .within = *within, .least = quota.least};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (std::size_t i = 0; i < places.size(); ++i)
      shape.places_of[byte] |= static_cast<std::uint32_t>(places[i][byte]) << i;
  shapes_.push_back(std::move(shape));
}

// Atoms for the classes of all runs, and for what may not stand before a shape.
void Shapes::make_atoms() {
  std::vector<AtomSet> classes;
  for (const Shape& shape : shapes_) {
    for (const Run& run : shape.runs) classes.push_back(run.atoms);
    classes.push_back(shape.not_before);
    if (shape.quota.least > 0) classes.insert(classes.end(), {shape.quota.of, shape.quota.within});
  }
  tables_ = merge_atoms(classes);
  auto now = classes.begin();
  for (Shape& shape : shapes_) {
    for (Run& run : shape.runs) run.atoms = *now++;
    // Atoms that became one may hold more than they did.
    shape.not_before = *now++ & atoms_within(tables_, ~shape.before);
    if (shape.quota.least == 0) continue;
    shape.quota.of = *now++;
    shape.quota.within = *now++;
  }
}

void Shapes::finish() {
  make_atoms();
  for (Shape& shape : shapes_) {
    for (Run& run : shape.runs) run.bitmap = bitmap_of(run.atoms, run.length);
    std::erase_if(shape.runs, [](const Run& run) { return run.bitmap == kNoBitmap; });
    if (shape.not_before != 0) shape.not_before_bitmap = bitmap_of(shape.not_before, 1);
    Quota& quota = shape.quota;
    if (quota.least == 0) continue;
    quota.of_bitmap = bitmap_of(quota.of, 1);
    quota.within_bitmap = bitmap_of(quota.within, 1);
    if (quota.of_bitmap == kNoBitmap || quota.within_bitmap == kNoBitmap) quota = {};
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
  } else {
    step.first = step.second = bitmap_of(atoms, length / 2);
    step.shift = length / 2;
  }
  if (step.first == kNoBitmap || step.second == kNoBitmap || tables_.count + steps_.size() == kMaxBitmaps)
    return kNoBitmap;
  steps_.push_back(step);
  return static_cast<std::uint8_t>(tables_.count + steps_.size() - 1);
}

// All bitmaps of the strip that begins at `begin`, and of the word behind it. No atom holds what lies behind the
// content.
void Shapes::find_bitmaps(const Content& content, const Strip& strip, Room& room) const {
  const std::size_t words = strip.words;
  const BitmapOperations& operations = bitmaps();
  const std::uint32_t length = content.length();
  for (std::size_t word = 0; word <= words;) {
    const auto at = static_cast<std::uint32_t>(strip.begin + word * kWordBytes);
    if (at >= length) {
      for (std::size_t atom = 0; atom < tables_.count; ++atom)
        std::fill(&room.bitmaps[atom][word], &room.bitmaps[atom][words] + 1, 0);
      break;
    }
    const Bytes run = content.run_from(at);
    if (run.size() >= kWordBytes) {
      const std::size_t count = std::min(run.size() / kWordBytes, words + 1 - word);
      operations.find_atoms(run.data(), count, tables_, room.bitmaps.data(), word);
      word += count;
      continue;
    }
    std::array<std::uint8_t, kWordBytes> mixed{};
    content.copy(at, mixed);
    operations.find_atoms(mixed.data(), 1, tables_, room.bitmaps.data(), word++);
  }
  std::size_t made = tables_.count;
  for (const Step& step : steps_) {
    const Bitmap& first = room.bitmaps[step.first];
    const Bitmap& second = room.bitmaps[step.second];
    Bitmap& to = room.bitmaps[made++];
    step.shift == 0 ? operations.join(first, second, strip.in_groups, to)
                    : operations.follow(first, second, step.shift, strip.in_groups, to);
  }
}

// Where all runs stand: in room.candidates, of which the words that have a bit are told, one bit a word.
std::uint32_t Shapes::find_candidates(const Shape& shape, const Strip& strip, Room& room) {
  if (shape.runs.empty()) {
    room.candidates.fill(~std::uint64_t{0});
    return strip.wanted;
  }
  const BitmapOperations& operations = bitmaps();
  const auto meet = [&](const Bitmap& with, unsigned shift, const Run& run) {
    return operations.meet(with, shift, room.bitmaps[run.bitmap], run.offset, strip.in_groups, room.candidates);
  };
  const Run& first = shape.runs.front();
  std::uint32_t found = meet(room.bitmaps[first.bitmap], first.offset, shape.runs[shape.runs.size() > 1 ? 1 : 0]);
  for (std::size_t i = 2; i < shape.runs.size() && found != 0; ++i) found = meet(room.candidates, 0, shape.runs[i]);
  return found & strip.wanted;
}

bool Shapes::stands_in(const Shape& shape, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if ((shape.places_of[bytes[i]] >> i & 1U) == 0) return false;
  return true;
}

// Behind so many bytes of the strip, of which so many are left in the content. Of a run that goes on to its end, or
// longer than a word, nobody knows.
bool Shapes::holds_enough(const Quota& quota, const Room& room, std::uint32_t skip, std::uint32_t left) {
  const std::size_t word = skip / kWordBytes;
  const unsigned bit = skip % kWordBytes;
  const auto bits = [&](const Bitmap& bitmap) {
    return bitmap[word] >> bit | bitmap[word + 1] << 1 << (kWordBytes - 1 - bit);
  };
  const auto run = static_cast<unsigned>(std::countr_one(bits(room.bitmaps[quota.within_bitmap])));
  if (run == kWordBytes || run >= left) return true;
  const std::uint64_t in_run = (std::uint64_t{1} << run) - 1;
  return static_cast<unsigned>(std::popcount(bits(room.bitmaps[quota.of_bitmap]) & in_run)) >= quota.least;
}

// Adds the starts at which the shape stands. Of a word that is full of candidates all are taken, and what lies between
// them, as one range.
void Shapes::find_shape(const Shape& shape, Content& content, const Strip& strip, Room& room, Anchors& anchors) {
  const std::uint32_t with_any = find_candidates(shape, strip, room);
  if (with_any == 0) return;
  const std::uint32_t begin = strip.begin;
  const std::uint32_t length = content.length();
  const Bytes run = content.run_from(begin);
  const auto stands_at = [&](std::uint32_t at) {
    const std::uint32_t skip = at - begin;
    if (shape.quota.least > 0 && !holds_enough(shape.quota, room, skip, length - at)) {
      anchors.notice();  // where the content ends, the same bytes may hold enough yet
      return false;
    }
    return stands_in(shape, skip + shape.places <= run.size() ? run.subspan(skip, shape.places)
                                                              : content.view(at, at + shape.places));
  };
  for (std::uint32_t with = with_any; with != 0; with &= with - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(with));
    const std::uint32_t word_begin = begin + word * std::uint32_t{kWordBytes};
    std::uint64_t left = room.candidates[word];
    if (shape.not_before_bitmap != kNoBitmap) {
      const Bitmap& not_before = room.bitmaps[shape.not_before_bitmap];
      left &= ~(not_before[word] << 1);
      if ((left & 1) != 0 && word_begin > 0 && !shape.before[content.run_from(word_begin - 1).front()])
        left &= ~std::uint64_t{1};
      if (left == 0) continue;
    }
    const auto first = word_begin + static_cast<std::uint32_t>(std::countr_zero(left));
    if (first + shape.places > length) return;
    const int count = (left & (left - 1)) == 0 || shape.runs.empty() ? 1 : std::popcount(left);
    if (count >= kDense || (count >= kLikelyDense && stands_at(first))) {
      const auto last = word_begin + static_cast<std::uint32_t>(std::bit_width(left)) - 1;
      anchors.add(shape.rule,
                  {.first = first, .last = std::min(last, length - shape.places), .first_end = first + shape.places});
      continue;
    }
    for (; left != 0; left &= left - 1) {
      const std::uint32_t at = word_begin + static_cast<std::uint32_t>(std::countr_zero(left));
      if (at + shape.places > length) return;
      if (stands_at(at)) anchors.add(shape.rule, {.first = at, .last = at, .first_end = at + shape.places});
    }
  }
}

void Shapes::find(Content& content, const Stretch& stretch, Room& room, Anchors& anchors) const {
  for (std::uint32_t begin = stretch.from; begin < stretch.to; begin += kStripBytes) {
    Strip strip{.begin = begin, .words = std::min(kStripWords, (stretch.to - begin + kWordBytes - 1) / kWordBytes)};
    strip.in_groups = (strip.words + kGroupWords - 1) / kGroupWords * kGroupWords;
    strip.wanted = static_cast<std::uint32_t>((std::uint64_t{1} << strip.words) - 1);
    find_bitmaps(content, strip, room);
    for (const Shape& shape : shapes_) find_shape(shape, content, strip, room, anchors);
  }
}

}  // namespace sluice::inspect
