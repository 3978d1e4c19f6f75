// See window.h.
#include "rules/window.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "rules/frequency.h"

namespace sluice::rules {
namespace {

constexpr unsigned kAscii = 0x80;
constexpr unsigned kAsciiRows = 8;
constexpr unsigned kRow = 16;

// As text that repeats one byte is found nowhere but with those who want to be slow, no table tells how often it
// occurs.
constexpr double kRepeated = 0.01;

// Instructions, as counted. What buckets let pass is met about twice as often as bytes that know nothing of each
// other would have it: text is words and numbers.
constexpr std::array<double, kMaxBucketTables> kPassCost = {1.2, 1.9, 3.1, 3.8};  // a byte, by the number of tables
constexpr double kPlaceCost = 0.3;  // that a table costs less with a place less
constexpr double kLookCost = 110;   // a place that a bucket lets pass
constexpr double kItemCost = 14;    // each literal of that bucket

// How often bytes occur that two halves let pass.
class HalvesFrequency {
 public:
  HalvesFrequency() {
    for (unsigned high = 0; high < kRow; ++high) {
      rows_[high] = frequency(byte_range(kRow * high, kRow * high + kRow - 1));
      for (unsigned half = 0; high < kAsciiRows && half < 2; ++half)
        for (unsigned members = 0; members < 256; ++members) {
          ByteSet set;
          for (unsigned bit = 0; bit < 8; ++bit) set[kRow * high + 8 * half + bit] = (members >> bit & 1U) != 0;
          in_row_[high][half][members] = frequency(set);
        }
    }
  }
  [[nodiscard]] double of(const Halves& halves) const {
    double sum = 0;
    for (unsigned high = 0; high < kRow; ++high) {
      if ((halves.high >> high & 1U) == 0) continue;
      sum += high < kAsciiRows ? in_row_[high][0][halves.low & 0xffU] + in_row_[high][1][halves.low >> 8] : rows_[high];
    }
    return std::min(sum, 1.0);
  }

 private:
  std::array<double, kRow> rows_{};
  std::array<std::array<std::array<double, 256>, 2>, kAsciiRows> in_row_{};
};

Halves halves_of_set(const ByteSet& set) {
  Halves halves;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!set[byte]) continue;
    halves.high |= static_cast<std::uint16_t>(1U << byte / kRow);
    if (byte < kAscii) halves.low |= static_cast<std::uint16_t>(1U << byte % kRow);
  }
  return halves;
}

// How many bytes pass that are not in the set.
std::size_t lost(const ByteSet& set) {
  const Halves halves = halves_of_set(set);
  std::size_t count = 0;
  for (unsigned byte = 0; byte < 256; ++byte) count += passes(halves, byte) && !set[byte] ? 1 : 0;
  return count;
}

WindowHalves joined(const WindowHalves& a, const WindowHalves& b) {
  WindowHalves out;
  for (std::size_t i = 0; i < kWindowPlaces; ++i)
    out[i] = {static_cast<std::uint16_t>(a[i].high | b[i].high), static_cast<std::uint16_t>(a[i].low | b[i].low)};
  return out;
}

double often(const WindowHalves& window) {
  static const HalvesFrequency kFrequency;
  double product = 1;
  Halves in_all{0xffff, 0xffff};
  for (const Halves& place : window) {
    product *= kFrequency.of(place);
    in_all.high &= place.high;
    in_all.low &= place.low;
  }
  const bool repeats = in_all.high >= 1U << kAsciiRows || (in_all.high != 0 && in_all.low != 0);
  return product + (repeats ? kRepeated : 0);
}

// The set as two of which each loses less by its halves: its rows (bytes with the same upper half), the two most alike
// taken together until two are left.
std::optional<std::pair<ByteSet, ByteSet>> in_two(const ByteSet& set) {
  if (lost(set) == 0) return std::nullopt;
  std::vector<ByteSet> rows;
  for (unsigned high = 0; high < kRow; ++high) {
    const ByteSet row = set & byte_range(kRow * high, kRow * high + kRow - 1);
    if (row.any()) rows.push_back(row);
  }
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

// The window once for each half of its last place that two halves tell better.
void add_windows(std::uint32_t item, const Window& window, std::vector<Bucket>& to) {
  for (std::size_t i = kWindowPlaces; i-- > 0;) {
    const auto parts = in_two(window[i]);
    if (!parts) continue;
    for (const ByteSet& part : {parts->first, parts->second}) {
      Window half = window;
      half[i] = part;
      to.push_back({halves_of(half), {item}});
    }
    return;
  }
  to.push_back({halves_of(window), {item}});
}

// Buckets that are joined one by one, those first whose windows together are least oftener found than by themselves.
class Joining {
 public:
  explicit Joining(std::vector<Bucket> buckets) : buckets_(std::move(buckets)), grows_(buckets_.size()) {
    for (const Bucket& bucket : buckets_) often_.push_back(often(bucket.halves));
    for (std::size_t a = 0; a < buckets_.size(); ++a)
      for (std::size_t b = 0; b < a; ++b) grows_[a].push_back(growth(a, b));
  }

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }
  [[nodiscard]] BucketPlan plan() const {
    BucketPlan plan{.buckets = buckets_, .windows = {}};
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      plan.cost += often_[i] * (kLookCost + kItemCost * static_cast<double>(buckets_[i].items.size()));
    plan.cost += kPassCost[plan.tables() - 1];
    return plan;
  }

  void join_two() {
    std::size_t keep = 0;
    std::size_t gone = 1;
    for (std::size_t a = 1; a < size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (grows_[a][b] < grows_[gone][keep]) gone = a, keep = b;
    join(keep, gone);
  }

 private:
  [[nodiscard]] double growth(std::size_t a, std::size_t b) const {
    return often(joined(buckets_[a].halves, buckets_[b].halves)) - often_[a] - often_[b];
  }

  void join(std::size_t keep, std::size_t gone) {
    Bucket& bucket = buckets_[keep];
    bucket.halves = joined(bucket.halves, buckets_[gone].halves);
    bucket.items.insert(bucket.items.end(), buckets_[gone].items.begin(), buckets_[gone].items.end());
    std::ranges::sort(bucket.items);  // halves of one may have come together again
    bucket.items.erase(std::ranges::unique(bucket.items).begin(), bucket.items.end());
    const auto at = static_cast<std::ptrdiff_t>(gone);
    buckets_.erase(buckets_.begin() + at);
    often_.erase(often_.begin() + at);
    grows_.erase(grows_.begin() + at);
    for (std::size_t a = gone; a < size(); ++a) grows_[a].erase(grows_[a].begin() + at);
    often_[keep] = often(buckets_[keep].halves);
    for (std::size_t b = 0; b < keep; ++b) grows_[keep][b] = growth(keep, b);
    for (std::size_t a = keep + 1; a < size(); ++a) grows_[a][keep] = growth(a, keep);
  }

  std::vector<Bucket> buckets_;
  std::vector<double> often_;
  std::vector<std::vector<double>> grows_;  // of each with each before it
};

}  // namespace

bool passes(const Halves& halves, unsigned byte) {
  return (halves.high >> byte / kRow & 1U) != 0 && (byte >= kAscii || (halves.low >> byte % kRow & 1U) != 0);
}

WindowHalves halves_of(const Window& window) {
  WindowHalves out;
  for (std::size_t i = 0; i < kWindowPlaces; ++i) out[i] = halves_of_set(window[i]);
  return out;
}

std::vector<ByteSet> places_around(const Literal& literal) {
  std::vector<ByteSet> places;
  if (!literal.before.all()) places.push_back(literal.before);
  const std::vector<ByteSet> own = places_of(literal);
  places.insert(places.end(), own.begin(), own.end());
  places.insert(places.end(), literal.after.begin(), literal.after.end());
  return places;
}

Window window_at(const std::vector<ByteSet>& places, std::uint32_t at, std::size_t width) {
  Window window;
  for (std::size_t i = 0; i < kWindowPlaces; ++i)
    window[i] = i < width && at + i < places.size() ? places[at + i] : ByteSet().set();
  return window;
}

double frequency(const Window& window) {
  return often(halves_of(window));
}

std::uint32_t best_window(const std::vector<ByteSet>& places, std::size_t width) {
  std::uint32_t best = 0;
  for (std::uint32_t at = 1; at + width <= places.size(); ++at)
    if (frequency(window_at(places, at, width)) < frequency(window_at(places, best, width))) best = at;
  return best;
}

BucketPlan plan_buckets(const std::vector<std::vector<ByteSet>>& items) {
  if (items.empty()) return {};
  std::optional<BucketPlan> best;
  for (const std::size_t places : {kWindowPlaces, kWindowPlaces - 1}) {
    std::vector<std::uint32_t> windows;
    std::vector<Bucket> buckets;
    for (std::uint32_t item = 0; item < items.size(); ++item) {
      windows.push_back(best_window(items[item], places));
      add_windows(item, window_at(items[item], windows.back(), places), buckets);
    }
    Joining joining(std::move(buckets));
    for (std::size_t tables = kMaxBucketTables; tables > 0; --tables) {
      while (joining.size() > tables * kBuckets) joining.join_two();
      if (places < kWindowPlaces && tables > 1) continue;  // where they are many, each place tells much
      BucketPlan plan = joining.plan();
      plan.windows = windows;
      plan.places = places;
      if (places < kWindowPlaces) plan.cost -= kPlaceCost * static_cast<double>(plan.tables());
      if (!best || plan.cost < best->cost) best = std::move(plan);
    }
  }
  return *std::move(best);
}

double cost_of_windows(const std::vector<Anchor>& anchors) {
  std::vector<std::vector<ByteSet>> items;
  for (const Anchor& anchor : anchors)
    for (const Literal& literal : anchor.literals) items.push_back(places_around(literal));
  return plan_buckets(items).cost;
}

}  // namespace sluice::rules
