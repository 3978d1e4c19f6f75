// Shapes of a whole rule set in one pass over the content: for each of the first bytes of a match, what it can be, and
// what the byte before them can not be.
// The content is made into bitmaps, a strip of 2 KiB at a time. Of each shape only the few runs of places that tell
// most are looked for there; where they agree, the bytes themselves are looked at, and whether there are enough of
// what each match holds (rules/quota.h). What is found is necessary and not sufficient.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/byte_atoms.h"
#include "dataplane/inspect/content.h"
#include "rules/byte_set.h"
#include "rules/quota.h"

namespace sluice::inspect {

class Shapes {
 public:
  // As many bitmaps as a pass makes; a run for which there is no room is not looked for.
  static constexpr std::size_t kMaxBitmaps = 64;
  // The room that a pass needs, part of a worker's scratch.
  struct Room {
    std::array<Bitmap, kMaxBitmaps> bitmaps{};
    Bitmap candidates{};
  };
  // Outside the data path: of each rule the places (1 to kMaxPlaces) and what may stand before them; then finish().
  static constexpr std::size_t kMaxPlaces = 32;
  void add(std::uint32_t rule, const std::vector<rules::ByteSet>& places, const rules::ByteSet& before,
           std::size_t most_runs = 2, const rules::Quota& quota = {});
  void finish();
  [[nodiscard]] bool empty() const { return shapes_.empty(); }

  // Adds to `anchors` the starts in the stretch, and perhaps a few behind it, that each shape leaves possible which
  // lies in the content as a whole.
  void find(Content& content, const Stretch& stretch, Room& room, Anchors& anchors) const;

 private:
  static constexpr std::uint8_t kNoBitmap = 0xff;

  // A run of places that hold bytes of one class, at most as long as bitmaps go.
  struct Run {
    AtomSet atoms = 0;
    std::uint8_t offset = 0;
    std::uint8_t length = 0;
    double often = 1;  // how often it is expected
    std::uint8_t bitmap = 0;
  };
  // rules::Quota in bitmaps. `least` 0: there is none, or none in bitmaps that are made for the shape anyway.
  struct Quota {
    AtomSet of = 0;
    AtomSet within = 0;
    std::uint32_t least = 0;
    std::uint8_t of_bitmap = 0;
    std::uint8_t within_bitmap = 0;
  };
  struct Shape {
    std::uint32_t rule = 0;
    std::uint32_t places = 0;
    std::vector<Run> runs;                 // those that are looked for, no more than add() says
    std::vector<std::uint32_t> places_of;  // of each byte: the places at which it may stand, one bit a place
    rules::ByteSet before;
    AtomSet not_before = 0;  // no match begins behind a byte of these
    std::uint8_t not_before_bitmap = kNoBitmap;
    Quota quota;
  };
  // How a bitmap is made of earlier ones: either of the two, or (shift > 0) the second behind the first.
  struct Step {
    std::uint8_t first = 0;
    std::uint8_t second = 0;
    std::uint8_t shift = 0;
    AtomSet atoms = 0;  // what it holds: runs of `length` bytes of these
    std::uint8_t length = 0;
  };

  [[nodiscard]] static std::vector<Run> runs_of(const std::vector<rules::ByteSet>& places, std::size_t most);
  [[nodiscard]] std::vector<Run*> all_runs();
  void make_atoms();
  [[nodiscard]] std::uint8_t bitmap_of(AtomSet atoms, std::uint8_t length);
  // So many words from here on. Bitmaps are made in whole groups of words: what stands in those that are too many is
  // not looked at.
  struct Strip {
    std::uint32_t begin = 0;
    std::size_t words = 0;
    std::size_t in_groups = 0;
    std::uint32_t wanted = 0;  // a bit a word
  };

  void find_bitmaps(const Content& content, const Strip& strip, Room& room) const;
  [[nodiscard]] static std::uint32_t find_candidates(const Shape& shape, const Strip& strip, Room& room);
  [[nodiscard]] static bool stands_in(const Shape& shape, Bytes bytes);
  [[nodiscard]] static bool holds_enough(const Quota& quota, const Room& room, std::uint32_t skip, std::uint32_t left);
  static void find_shape(const Shape& shape, Content& content, const Strip& strip, Room& room, Anchors& anchors);

  std::vector<Shape> shapes_;
  AtomTables tables_;
  std::vector<Step> steps_;  // make the bitmaps behind those of the atoms
};

}  // namespace sluice::inspect
