// How literals are looked for without Hyperscan: of each the few bytes in a row that tell most (its window), and
// windows shared out to buckets that are told by the halves of their bytes (dataplane/inspect/buckets.h). What that
// costs is estimated by how often bytes occur; a wrong guess costs time, never a match.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/anchor.h"
#include "rules/byte_set.h"

namespace sluice::rules {

inline constexpr std::size_t kWindowPlaces = 4;
inline constexpr std::size_t kBuckets = 8;  // of one table
inline constexpr std::size_t kMaxBucketTables = 4;

using Window = std::array<ByteSet, kWindowPlaces>;

// The values of a byte's halves, one bit each. The lower half of a byte above 127 is any.
struct Halves {
  std::uint16_t high = 0;
  std::uint16_t low = 0;
};
using WindowHalves = std::array<Halves, kWindowPlaces>;
WindowHalves halves_of(const Window& window);
bool passes(const Halves& halves, unsigned byte);

struct Bucket {
  WindowHalves halves;               // of all its windows together
  std::vector<std::uint32_t> items;  // ascending
};

struct BucketPlan {
  std::vector<Bucket> buckets;         // kBuckets a table
  std::vector<std::uint32_t> windows;  // where that of each item begins
  std::size_t places = kWindowPlaces;  // that tell something: one less may do
  double cost = 0;                     // instructions a byte of text without matches
  [[nodiscard]] std::size_t tables() const { return (buckets.size() + kBuckets - 1) / kBuckets; }
};

// What each byte of a literal can be, and what stands around it where every match has something there.
std::vector<ByteSet> places_around(const Literal& literal);

// The place, of these, at which the window begins that tells most; windows may reach behind the last place.
std::uint32_t best_window(const std::vector<ByteSet>& places, std::size_t width = kWindowPlaces);
Window window_at(const std::vector<ByteSet>& places, std::uint32_t at, std::size_t width = kWindowPlaces);
// How often a window is taken to be there, by the halves of its bytes: 0 to 1.
double frequency(const Window& window);

// As few buckets, or as many, as cost least; `items` by what their places can be. An item may stand in two buckets.
BucketPlan plan_buckets(const std::vector<std::vector<ByteSet>>& items);

// plan_buckets() for all these literals.
double cost_of_windows(const std::vector<Anchor>& anchors);

}  // namespace sluice::rules
