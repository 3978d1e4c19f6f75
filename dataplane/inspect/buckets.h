// Where a few bytes in a row (a window) may stand, for eight sets of windows (buckets) a table in one pass: for each
// place of a window, two lookups by the halves of a byte tell the buckets that the byte keeps in question. A bucket may
// be told too often, never too seldom. By AVX2 where the CPU has it.
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

// For each place the buckets that a byte rules out, by its halves: so that a lookup by a byte above 127, which gives
// nothing, rules nothing out.
struct BucketTable {
  struct Place {
    alignas(16) std::array<BucketSet, 16> high;
    alignas(16) std::array<BucketSet, 16> low;
  };
  std::array<Place, kWindowPlaces> places;

  BucketTable();
  // Windows of these bytes are in the bucket, too.
  void add(std::size_t bucket, const rules::WindowHalves& window);
  // The buckets of the window that begins here.
  [[nodiscard]] BucketSet at(const std::uint8_t* data) const {
    unsigned ruled_out = 0;
    for (std::size_t i = 0; i < kWindowPlaces; ++i) {
      ruled_out |= places[i].high[data[i] >> 4];
      if (data[i] < 0x80) ruled_out |= places[i].low[data[i] & 15];
    }
    return static_cast<BucketSet>(~ruled_out);
  }
};

// Of words * 64 bytes (at most 32 words) those at which a window of any bucket of any table begins, one bit a byte;
// tells which words have a bit. Of a window the first `places` count: all, or one less, where the tables know no more.
// Reads kWindowPlaces - 1 bytes behind them.
using FindBuckets = std::uint32_t (*)(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                      std::size_t places, std::uint64_t* out);

std::uint32_t find_buckets_portable(const std::uint8_t* data, std::size_t words, std::span<const BucketTable> tables,
                                    std::size_t places, std::uint64_t* out);
FindBuckets find_buckets();  // the fastest that this CPU has

}  // namespace sluice::inspect
