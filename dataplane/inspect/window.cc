// See window.h.
#include "dataplane/inspect/window.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "rules/frequency.h"

namespace sluice::inspect {
namespace {

using rules::ByteSet;

// As text that repeats one byte is found nowhere but with those who want to be slow, no table tells how often it
// occurs.
constexpr double kRepeated = 0.01;

// What a lookup by each half lets pass when it lets pass the set.
ByteSet hull_of(const ByteSet& set) {
  std::array<bool, 16> high{};
  std::array<bool, 16> low{};
  bool above = false;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (!set[byte]) continue;
    high[byte >> 4] = true;
    if (byte < 0x80) low[byte & 15] = true;
    above = above || byte >= 0x80;
  }
  ByteSet hull;
  for (std::size_t byte = 0; byte < 256; ++byte) hull[byte] = high[byte >> 4] && (byte >= 0x80 || low[byte & 15]);
  return hull;
}

double often(const Window& window) {
  double product = 1;
  ByteSet in_all;
  in_all.set();
  for (const ByteSet& place : window) {
    const ByteSet hull = hull_of(place);
    product *= rules::frequency(hull);
    in_all &= hull;
  }
  return product + (in_all.any() ? kRepeated : 0);
}

// The set as two of which each loses less by its hull: its rows (bytes with the same upper half), the two most alike
// taken together until two are left.
std::optional<std::pair<ByteSet, ByteSet>> in_two(const ByteSet& set) {
  if (hull_of(set) == set) return std::nullopt;
  std::vector<ByteSet> rows;
  for (unsigned high = 0; high < 16; ++high) {
    const ByteSet row = set & rules::byte_range(16 * high, 16 * high + 15);
    if (row.any()) rows.push_back(row);
  }
  const auto lost = [](const ByteSet& of) { return hull_of(of).count() - of.count(); };
  while (rows.size() > 2) {
    std::size_t least = std::numeric_limits<std::size_t>::max();
    std::pair<std::size_t, std::size_t> join;
    for (std::size_t a = 0; a < rows.size(); ++a)
      for (std::size_t b = a + 1; b < rows.size(); ++b) {
        const std::size_t more = lost(rows[a] | rows[b]) - lost(rows[a]) - lost(rows[b]);
        if (more < least) least = more, join = {a, b};
      }
    rows[join.first] |= rows[join.second];
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(join.second));
  }
  if (rows.size() < 2) return std::nullopt;
  return std::pair(rows[0], rows[1]);
}

Window joined(const Window& a, const Window& b) {
  Window out;
  for (std::size_t i = 0; i < kWindowPlaces; ++i) out[i] = a[i] | b[i];
  return out;
}

// The window once for each half of its last place that two halves tell better.
void add_windows(std::uint32_t item, const Window& window, std::vector<Bucket>& to) {
  for (std::size_t i = kWindowPlaces; i-- > 0;) {
    const auto parts = in_two(window[i]);
    if (!parts) continue;
    for (const ByteSet& part : {parts->first, parts->second}) {
      Window half = window;
      half[i] = part;
      to.push_back({half, {item}});
    }
    return;
  }
  to.push_back({window, {item}});
}

}  // namespace

Window window_at(const std::vector<ByteSet>& places, std::uint32_t at) {
  Window window;
  for (std::size_t i = 0; i < kWindowPlaces; ++i) window[i] = at + i < places.size() ? places[at + i] : ByteSet().set();
  return window;
}

std::uint32_t best_window(const std::vector<ByteSet>& places) {
  std::uint32_t best = 0;
  for (std::uint32_t at = 1; at + kWindowPlaces <= places.size(); ++at)
    if (often(window_at(places, at)) < often(window_at(places, best))) best = at;
  return best;
}

std::vector<Bucket> make_buckets(const std::vector<Window>& windows) {
  std::vector<Bucket> buckets;
  for (std::uint32_t item = 0; item < windows.size(); ++item) add_windows(item, windows[item], buckets);
  std::vector<double> cost;
  for (const Bucket& bucket : buckets) cost.push_back(often(bucket.window));
  // Each with each, once; then only what was joined anew.
  const auto growth = [&](std::size_t a, std::size_t b) {
    return often(joined(buckets[a].window, buckets[b].window)) - cost[a] - cost[b];
  };
  std::vector<std::vector<double>> grows(buckets.size());
  for (std::size_t a = 0; a < buckets.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) grows[a].push_back(growth(a, b));
  while (buckets.size() > kBuckets) {
    std::size_t keep = 0;
    std::size_t gone = 1;
    for (std::size_t a = 1; a < buckets.size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (grows[a][b] < grows[gone][keep]) gone = a, keep = b;
    buckets[keep].window = joined(buckets[keep].window, buckets[gone].window);
    buckets[keep].items.insert(buckets[keep].items.end(), buckets[gone].items.begin(), buckets[gone].items.end());
    const auto at = static_cast<std::ptrdiff_t>(gone);
    buckets.erase(buckets.begin() + at);
    cost.erase(cost.begin() + at);
    grows.erase(grows.begin() + at);
    for (std::size_t a = gone; a < buckets.size(); ++a) grows[a].erase(grows[a].begin() + at);
    cost[keep] = often(buckets[keep].window);
    for (std::size_t b = 0; b < keep; ++b) grows[keep][b] = growth(keep, b);
    for (std::size_t a = keep + 1; a < buckets.size(); ++a) grows[a][keep] = growth(a, keep);
  }
  for (Bucket& bucket : buckets) {  // halves of one that came together again
    std::ranges::sort(bucket.items);
    bucket.items.erase(std::ranges::unique(bucket.items).begin(), bucket.items.end());
  }
  return buckets;
}

}  // namespace sluice::inspect
