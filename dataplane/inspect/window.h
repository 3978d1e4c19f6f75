// Which windows share a bucket: those that together are seldom taken for one that is there.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/buckets.h"
#include "rules/byte_set.h"

namespace sluice::inspect {

using Window = std::array<rules::ByteSet, kWindowPlaces>;

// The place, of these, at which the window begins that tells most; windows may reach behind the last place.
std::uint32_t best_window(const std::vector<rules::ByteSet>& places);
Window window_at(const std::vector<rules::ByteSet>& places, std::uint32_t at);

struct Bucket {
  Window window;
  std::vector<std::uint32_t> items;
};

// At most kBuckets; `windows` by item. An item may stand in two of them.
std::vector<Bucket> make_buckets(const std::vector<Window>& windows);

}  // namespace sluice::inspect
