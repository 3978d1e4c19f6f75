// What is looked for byte by byte, of a whole rule set in one pass over the content: shapes (for each of the first
// bytes of a match, what it can be) and literals, which are shapes of one byte a place.
// The content is made into bitmaps, a strip of 2 KiB at a time. Of each shape only the one or two runs of places that
// tell most are looked for there; where they agree, the bytes themselves are looked at. What is found is necessary and
// not sufficient.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/byte_atoms.h"
#include "dataplane/inspect/content.h"
#include "rules/byte_set.h"

namespace sluice::inspect {

class Shapes {
 public:
  // As many bitmaps as a pass makes; a run for which there is no room is not looked for.
  static constexpr std::size_t kMaxBitmaps = 64;
  // The room that a pass needs, part of a worker's scratch.
  struct Room {
    std::array<Bitmap, kMaxBitmaps> bitmaps{};
    Bitmap candidates{};
    Bitmap found{};
  };
  // How many bytes of the match stand before its shape.
  struct Lead {
    std::uint32_t min = 0;
    std::uint32_t max = 0;
  };

  // Outside the data path: all shapes (of 1 to kMaxPlaces places), those of a rule one behind the other; then finish().
  static constexpr std::size_t kMaxPlaces = 32;
  void add(std::uint32_t rule, const std::vector<rules::ByteSet>& places, const Lead& lead);
  void finish();
  [[nodiscard]] bool empty() const { return rules_.empty(); }

  // Adds to `anchors` the starts that each shape leaves possible which lies in the content as a whole.
  void find(Content& content, Room& room, Anchors& anchors) const;

 private:
  // A run of places that hold bytes of one class, at most as long as bitmaps go.
  struct Run {
    rules::ByteSet exact;  // a rare byte, or a letter in both cases: an atom of its own; else none
    AtomSet atoms = 0;
    std::uint8_t offset = 0;
    std::uint8_t length = 0;
    double often = 1;  // how often it is expected
    std::uint8_t bitmap = 0;
  };
  struct Shape {
    std::uint32_t places = 0;
    std::vector<Run> runs;                 // those that are looked for: two at most
    std::vector<std::uint32_t> places_of;  // of each byte: the places at which it may stand, one bit a place
  };
  struct OfRule {
    std::uint32_t rule = 0;
    Lead lead;                   // of all of them
    std::uint32_t shortest = 0;  // places
    std::vector<Shape> shapes;   // a match has one of them
  };
  // How a bitmap is made of earlier ones: either of the two, or (shift > 0) the second behind the first.
  struct Step {
    std::uint8_t first = 0;
    std::uint8_t second = 0;
    std::uint8_t shift = 0;
    AtomSet atoms = 0;  // what it holds: runs of `length` bytes of these
    std::uint8_t length = 0;
  };

  [[nodiscard]] static std::vector<Run> runs_of(const std::vector<rules::ByteSet>& places);
  [[nodiscard]] std::vector<Run*> all_runs();
  void make_atoms();
  [[nodiscard]] std::uint8_t bitmap_of(AtomSet atoms, std::uint8_t length);
  void find_bitmaps(const Content& content, std::uint32_t begin, std::size_t words, Room& room) const;
  [[nodiscard]] static std::uint32_t find_candidates(const Shape& shape, std::size_t words, Room& room);
  [[nodiscard]] static bool stands_in(const Shape& shape, Bytes bytes);
  [[nodiscard]] static std::uint32_t find_shape(const Shape& shape, Content& content, std::uint32_t begin,
                                                std::size_t words, Room& room);
  static void add_anchors(const OfRule& of_rule, std::uint32_t begin, std::uint32_t length, std::uint32_t with,
                          const Bitmap& found, Anchors& anchors);

  std::vector<OfRule> rules_;
  AtomTables tables_;
  std::vector<Step> steps_;  // make the bitmaps behind those of the atoms
};

}  // namespace sluice::inspect
