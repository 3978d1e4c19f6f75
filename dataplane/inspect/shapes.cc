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
constexpr std::size_t kGroupWords = 4;  // as vectors hold
constexpr std::size_t kGroupBytes = kGroupWords * kWordBytes;
constexpr std::uint8_t kNoBitmap = 0xff;
constexpr std::uint8_t kLongestRun = 8;
constexpr int kDense = 16;            // candidates in a word: to look at each costs more than it spares
constexpr double kOftenEnough = 0.5;  // that a run of another class tells little
constexpr double kRare = 0.005;       // bytes for which an atom of their own is worth it

bool is_rare_byte(const rules::ByteSet& set) {
  if (rules::frequency(set) > kRare) return false;
  for (unsigned byte = 0; byte < 256; ++byte)
    if (set[byte])
      return set == rules::single_byte(static_cast<char>(byte)) ||
             set == rules::fold_case(rules::single_byte(static_cast<char>(byte)));
  return false;
}

}  // namespace

// The runs that tell most, of lengths that doubling gives.
std::vector<Shapes::Run> Shapes::runs_of(const std::vector<rules::ByteSet>& places) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Run run{.exact = is_rare_byte(places[i]) ? places[i] : rules::ByteSet(),
            .offset = static_cast<std::uint8_t>(i),
            .length = 1,
            .often = rules::frequency(places[i])};
    if (run.exact.none()) {
      const auto atoms = atoms_of(places[i]);
      if (!atoms) continue;
      run.atoms = *atoms;
    }
    Run* last = runs.empty() ? nullptr : &runs.back();
    if (last != nullptr && last->atoms == run.atoms && last->exact == run.exact &&
        last->offset + last->length == run.offset && last->length < kLongestRun) {
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
  if (other != runs.end()) std::swap(*other, runs[1]);
  runs.resize(std::min<std::size_t>(runs.size(), 2));
  std::ranges::sort(runs, {}, &Run::offset);
  return runs;
}

void Shapes::add(std::uint32_t rule, const std::vector<rules::ByteSet>& places, const Lead& lead) {
  SLUICE_ASSERT(!places.empty() && places.size() <= kMaxPlaces);
  const auto width = static_cast<std::uint32_t>(places.size());
  Shape shape{.places = width, .runs = runs_of(places), .places_of = std::vector<std::uint32_t>(256)};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (std::size_t i = 0; i < places.size(); ++i)
      shape.places_of[byte] |= static_cast<std::uint32_t>(places[i][byte]) << i;
  if (rules_.empty() || rules_.back().rule != rule) rules_.push_back({rule, lead, width, {}});
  OfRule& of_rule = rules_.back();
  of_rule.lead = {std::min(of_rule.lead.min, lead.min), std::max(of_rule.lead.max, lead.max)};
  of_rule.shortest = std::min(of_rule.shortest, width);
  of_rule.shapes.push_back(std::move(shape));
}

std::vector<Shapes::Run*> Shapes::all_runs() {
  std::vector<Run*> all;
  for (OfRule& of_rule : rules_)
    for (Shape& shape : of_rule.shapes)
      for (Run& run : shape.runs) all.push_back(&run);
  return all;
}

// Atoms for the classes of all runs; those of rare bytes while there is room, else what holds them too.
void Shapes::make_atoms() {
  const std::vector<Run*> runs = all_runs();
  std::vector<AtomSet> classes;
  for (const Run* run : runs)
    if (run->exact.none()) classes.push_back(run->atoms);
  tables_ = merge_atoms(classes);
  auto now = classes.begin();
  std::vector<std::pair<rules::ByteSet, AtomSet>> exact;
  for (Run* run : runs) {
    if (run->exact.none()) {
      run->atoms = *now++;
      continue;
    }
    const auto known = std::ranges::find(exact, run->exact, [](const auto& one) { return one.first; });
    if (known != exact.end()) {
      run->atoms = known->second;
    } else if (tables_.count < kMaxAtoms) {
      run->atoms = add_exact_atom(tables_, run->exact);
      exact.emplace_back(run->exact, run->atoms);
    }
  }
}

void Shapes::finish() {
  make_atoms();
  for (Run* run : all_runs()) run->bitmap = run->atoms == 0 ? kNoBitmap : bitmap_of(run->atoms, run->length);
  for (OfRule& of_rule : rules_)
    for (Shape& shape : of_rule.shapes)
      std::erase_if(shape.runs, [](const Run& run) { return run.bitmap == kNoBitmap; });
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
void Shapes::find_bitmaps(const Content& content, std::uint32_t begin, std::size_t words, Room& room) const {
  const BitmapOperations& operations = bitmaps();
  const std::uint32_t length = content.length();
  for (std::size_t word = 0; word <= words;) {
    const auto at = static_cast<std::uint32_t>(begin + word * kWordBytes);
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
    step.shift == 0 ? operations.join(first, second, words, to)
                    : operations.follow(first, second, step.shift, words, to);
  }
}

// Where both runs stand: in room.candidates, of which the words that have a bit are told, one bit a word.
std::uint32_t Shapes::find_candidates(const Shape& shape, std::size_t words, Room& room) {
  if (shape.runs.empty()) {
    room.candidates.fill(~std::uint64_t{0});
    return static_cast<std::uint32_t>((std::uint64_t{1} << words) - 1);
  }
  const Run& first = shape.runs.front();
  const Run& second = shape.runs.back();
  return bitmaps().meet(room.bitmaps[first.bitmap], first.offset, room.bitmaps[second.bitmap], second.offset, words,
                        room.candidates);
}

bool Shapes::stands_in(const Shape& shape, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if ((shape.places_of[bytes[i]] >> i & 1U) == 0) return false;
  return true;
}

// Adds to room.found; tells the words of candidates.
std::uint32_t Shapes::find_shape(const Shape& shape, Content& content, std::uint32_t begin, std::size_t words,
                                 Room& room) {
  const std::uint32_t all = find_candidates(shape, words, room);
  if (all == 0) return 0;
  const Bytes run = content.run_from(begin);
  for (std::uint32_t with = all; with != 0; with &= with - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(with));
    std::uint64_t left = room.candidates[word];
    if (std::popcount(left) >= kDense && !shape.runs.empty()) {
      room.found[word] |= left;
      continue;
    }
    for (; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(left));
      const std::uint32_t skip = word * std::uint32_t{kWordBytes} + bit;
      if (begin + skip + shape.places > content.length()) return all;
      const Bytes bytes = skip + shape.places <= run.size() ? run.subspan(skip, shape.places)
                                                            : content.view(begin + skip, begin + skip + shape.places);
      if (stands_in(shape, bytes)) room.found[word] |= std::uint64_t{1} << bit;
    }
  }
  return all;
}

void Shapes::add_anchors(const OfRule& of_rule, std::uint32_t begin, std::uint32_t length, std::uint32_t with,
                         const Bitmap& found, Anchors& anchors) {
  for (; with != 0; with &= with - 1) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(with));
    for (std::uint64_t left = found[word]; left != 0; left &= left - 1) {
      const std::uint32_t at =
          begin + word * std::uint32_t{kWordBytes} + static_cast<std::uint32_t>(std::countr_zero(left));
      if (at < of_rule.lead.min || at + of_rule.shortest > length) continue;
      anchors.add(of_rule.rule, {.first = at - std::min(at, of_rule.lead.max),
                                 .last = at - of_rule.lead.min,
                                 .first_end = at + of_rule.shortest});
    }
  }
}

void Shapes::find(Content& content, Room& room, Anchors& anchors) const {
  const std::uint32_t length = content.length();
  for (std::uint32_t begin = 0; begin < length; begin += kStripBytes) {
    const std::size_t groups = (length - begin + kGroupBytes - 1) / kGroupBytes;
    const std::size_t words = std::min(kStripWords, groups * kGroupWords);
    find_bitmaps(content, begin, words, room);
    for (const OfRule& of_rule : rules_) {
      std::uint32_t with = 0;
      for (const Shape& shape : of_rule.shapes) with |= find_shape(shape, content, begin, words, room);
      if (with == 0) continue;
      add_anchors(of_rule, begin, length, with, room.found, anchors);
      for (std::uint32_t left = with; left != 0; left &= left - 1)
        room.found[static_cast<std::size_t>(std::countr_zero(left))] = 0;
    }
  }
}

}  // namespace sluice::inspect
