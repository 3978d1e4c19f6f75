// Where a few bytes in a row (a window) may stand, for eight sets of windows (buckets) a table in one pass: for each
// place of a window, two lookups by the halves of a byte, or one by its lower six bits, tell the buckets that the byte
// keeps in question. A bucket may be told too often, never too seldom. By AVX-512 or AVX2 where the CPU has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rules/window.h"

namespace sluice::inspect {

using rules::kBuckets;
using rules::kWindowPlaces;

using BucketSet = std::uint8_t;  // one bit a bucket

// For each place what a byte tells of the buckets, in two ways: by its halves those that it rules out, so that a lookup
// by a byte above 127, which gives nothing, rules nothing out; by its lower six bits those that it keeps.
struct BucketTable {
  struct Place {
    alignas(64) std::array<BucketSet, 64> low_bits{};
    alignas(16) std::array<BucketSet, 16> high;
    alignas(16) std::array<BucketSet, 16> low;
  };
  std::array<Place, kWindowPlaces> places;

  BucketTable();
  // This window is in the bucket, too: of its bytes those that pass these halves, which are the bucket's.
  void add(std::size_t bucket, const rules::WindowHalves& halves, const rules::Window& window);
  // The buckets of the window that begins here.
  [[nodiscard]] BucketSet by_halves(const std::uint8_t* data) const {
    unsigned ruled_out = 0;
    for (std::size_t i = 0; i < kWindowPlaces; ++i) {
      ruled_out |= places[i].high[data[i] >> 4];
      if (data[i] < 0x80) ruled_out |= places[i].low[data[i] & 15];
    }
    return static_cast<BucketSet>(~ruled_out);
  }
  [[nodiscard]] BucketSet by_low_bits(const std::uint8_t* data) const {
    unsigned kept = 0xff;
    for (std::size_t i = 0; i < kWindowPlaces; ++i) kept &= places[i].low_bits[data[i] % 64];
    return static_cast<BucketSet>(kept);
  }
};

// Of words * 64 bytes (at most 32 words) those at which a window of any bucket of any table begins, one bit a byte;
// tells which words have a bit. Of a window the first `places` count: all, or one less, where the tables know no more.
// Reads kWindowPlaces - 1 bytes behind them.
using FindBuckets = std::uint32_t (*)(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                      std::size_t places, std::uint64_t* out);

struct BucketFinder {
  FindBuckets find;
  BucketSet (BucketTable::*told)(const std::uint8_t*) const;  // at one place: what `find` is tested against
};
// All that this CPU has: the portable one first, the fastest last.
std::span<const BucketFinder> bucket_finders();

}  // namespace sluice::inspect
