// The shapes of a rule set: for each of the first bytes of a match, what it can be. All are found in one pass over
// the content, a strip of 2 KiB at a time: a shape begins where bitmaps, each shifted by its place, agree.
// A shape is necessary and not sufficient; where a class has no bitmap its place may hold anything.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/byte_atoms.h"
#include "dataplane/inspect/content.h"
#include "rules/byte_set.h"

namespace sluice::inspect {

class Shapes {
 public:
  // As many bitmaps as a pass makes; a run for which there is no room is left out of its shape.
  static constexpr std::size_t kMaxBitmaps = 64;
  // The room that a pass needs, part of a worker's scratch.
  struct Room {
    std::array<Bitmap, kMaxBitmaps> bitmaps{};
    Bitmap starts{};
  };

  // Outside the data path: all shapes (of at most rules::kMaxShapeBytes places), then finish().
  void add(std::uint32_t rule, const std::vector<rules::ByteSet>& places);
  void finish();
  [[nodiscard]] bool empty() const { return shapes_.empty(); }

  // Adds to `anchors` each position where a shape begins that lies in the content as a whole.
  void find(const Content& content, Room& room, Anchors& anchors) const;

 private:
  // `length` bytes of one class, `offset` behind the start.
  struct Run {
    AtomSet atoms = 0;
    std::uint8_t offset = 0;
    std::uint8_t length = 0;
    std::uint8_t bitmap = 0;
  };
  struct Shape {
    std::uint32_t rule = 0;
    std::uint32_t places = 0;
    std::vector<Run> runs;  // the rarest first
  };
  // How a bitmap is made of earlier ones: either of the two, or (shift > 0) the second behind the first.
  struct Step {
    std::uint8_t first = 0;
    std::uint8_t second = 0;
    std::uint8_t shift = 0;
    AtomSet atoms = 0;  // what it holds: runs of `length` bytes of these
    std::uint8_t length = 0;
  };

  [[nodiscard]] std::uint8_t bitmap_of(AtomSet atoms, std::uint8_t length);
  void find_bitmaps(const Content& content, std::uint32_t begin, Room& room) const;
  [[nodiscard]] static bool find_starts(const Shape& shape, Room& room);

  std::vector<Shape> shapes_;
  AtomTables tables_;
  std::vector<Step> steps_;  // make the bitmaps behind those of the atoms
};

}  // namespace sluice::inspect
