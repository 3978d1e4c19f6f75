// See literals.h.
#include "dataplane/inspect/literals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "common/assert.h"

namespace sluice::inspect {
namespace {

constexpr std::uint32_t kWordBytes = 64;
constexpr std::size_t kWordsAtOnce = 32;
constexpr auto kBehind = static_cast<std::uint32_t>(kWindowPlaces - 1);  // bytes that the pass reads behind its words

}  // namespace

void Literals::add(std::uint32_t rule, const rules::Literal& literal) {
  SLUICE_ASSERT(!literal.bytes.empty());
  Item item{.rule = rule, .places = rules::places_around(literal)};
  SLUICE_ASSERT(item.places.size() <= kMaxPlaces);
  const auto width = static_cast<std::uint32_t>(literal.bytes.size()) + (literal.before.all() ? 0 : 1);
  item.min_lead = literal.min_reach - width;
  item.max_lead = literal.max_reach - width;
  items_.push_back(std::move(item));
}

void Literals::add(std::uint32_t rule, std::vector<rules::ByteSet> places) {
  SLUICE_ASSERT(!places.empty() && places.size() <= kMaxPlaces);
  items_.push_back({.rule = rule, .places = std::move(places)});
}

void Literals::finish() {
  std::vector<std::vector<rules::ByteSet>> all;
  for (const Item& item : items_) all.push_back(item.places);
  const rules::BucketPlan plan = rules::plan_buckets(all);
  for (std::size_t i = 0; i < items_.size(); ++i) items_[i].window = plan.windows[i];
  places_ = plan.places;
  tables_.resize(plan.tables());
  for (std::size_t i = 0; i < plan.buckets.size(); ++i) {
    std::vector<Quick>& here = in_bucket_.emplace_back();
    for (const std::uint32_t index : plan.buckets[i].items) {
      here.push_back(quick_of(items_[index], index));
      add_window(i, items_[index], plan.buckets[i].halves);
    }
    if (here.size() == 1) here.front().alone = true;
  }
}

// An item may stand in two buckets, in each with some of its bytes.
void Literals::add_window(std::size_t bucket, const Item& item, const rules::WindowHalves& halves) {
  static_assert(rules::kMaxBucketTables * kBuckets <= 32);
  const rules::Window window = rules::window_at(item.places, item.window);
  tables_[bucket / kBuckets].add(bucket % kBuckets, halves, window);
  for (std::size_t i = 0; i < kWindowPlaces; ++i)
    for (unsigned byte = 0; byte < 256; ++byte)
      if (window[i][byte] && rules::passes(halves[i], byte)) exact_[i][byte] |= std::uint32_t{1} << bucket;
}

// The bits that are the same in all bytes of a place.
Literals::Quick Literals::quick_of(const Item& item, std::uint32_t index) {
  Quick quick{.item = index};
  std::array<std::uint8_t, kWindowPlaces> masks{};
  std::array<std::uint8_t, kWindowPlaces> values{};
  const rules::Window window = rules::window_at(item.places, item.window);
  for (std::size_t i = 0; i < kWindowPlaces; ++i) {
    unsigned in_all = 0xff;
    unsigned in_none = 0xff;
    for (unsigned byte = 0; byte < 256; ++byte) {
      if (!window[i][byte]) continue;
      in_all &= byte;
      in_none &= ~byte;
    }
    masks[i] = static_cast<std::uint8_t>(in_all | in_none);
    values[i] = static_cast<std::uint8_t>(in_all);
  }
  static_assert(sizeof quick.mask == kWindowPlaces);
  std::memcpy(&quick.mask, masks.data(), sizeof quick.mask);
  std::memcpy(&quick.value, values.data(), sizeof quick.value);
  return quick;
}

inline bool Literals::stands_in(const Item& item, Bytes bytes, bool window_stands) {
  const rules::ByteSet* const places = item.places.data();
  std::size_t i = 0;
  if (window_stands) {
    for (; i < item.window; ++i)
      if (!places[i][bytes[i]]) return false;
    i += kWindowPlaces;
  }
  for (; i < bytes.size(); ++i)
    if (!places[i][bytes[i]]) return false;
  return true;
}

inline void Literals::look_at(const Quick& quick, const Content& content, const Run& run, std::uint32_t at,
                              Anchors& anchors) const {
  const Item& item = items_[quick.item];
  const auto width = static_cast<std::uint32_t>(item.places.size());
  if (at < item.window || at - item.window + width > content.length()) return;
  const std::uint32_t begin = at - item.window;
  std::array<std::uint8_t, kMaxPlaces> copied;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Bytes bytes(copied.data(), width);
  if (begin >= run.begin && begin - run.begin + width <= run.bytes.size())
    bytes = run.bytes.subspan(begin - run.begin, width);
  else
    content.copy(begin, MutableBytes(copied).first(width));
  if (!stands_in(item, bytes, quick.alone)) return;
  if (begin < item.min_lead) return anchors.notice();
  anchors.add(
      item.rule,
      {.first = begin - std::min(begin, item.max_lead), .last = begin - item.min_lead, .first_end = begin + width});
}

// A window may begin at `at`, which lies in the run as a whole.
void Literals::look(const Content& content, const Run& run, std::uint32_t at, Anchors& anchors) const {
  const std::uint8_t* data = &run.bytes[at - run.begin];
  std::uint32_t left = exact_[0][data[0]] & exact_[1][data[1]] & exact_[2][data[2]] & exact_[3][data[3]];
  if (left == 0) return;
  std::uint32_t seen = 0;
  std::memcpy(&seen, data, sizeof seen);
  for (; left != 0; left &= left - 1)
    for (const Quick& quick : in_bucket_[static_cast<std::size_t>(std::countr_zero(left))])
      if ((seen & quick.mask) == quick.value) look_at(quick, content, run, at, anchors);
}

void Literals::find(const Content& content, const Stretch& stretch, Anchors& anchors) const {
  static const FindBuckets kFind = bucket_finders().back().find;
  std::array<std::uint64_t, kWordsAtOnce> hits;          // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<std::uint8_t, kWordBytes + kBehind> mixed;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (std::uint32_t at = stretch.from; at < stretch.to;) {
    Run run{content.run_from(at), at};
    std::size_t words = 1;
    if (run.bytes.size() >= mixed.size()) {
      const std::size_t bytes = std::min<std::size_t>(run.bytes.size() - kBehind, stretch.to - at + kWordBytes - 1);
      words = std::min(bytes / kWordBytes, kWordsAtOnce);
    } else {
      const std::size_t have = content.copy(at, mixed);
      std::fill(mixed.begin() + static_cast<std::ptrdiff_t>(have), mixed.end(), 0);
      run.bytes = mixed;
    }
    for (std::uint32_t with = kFind(run.bytes.data(), words, tables_, places_, hits.data()); with != 0;
         with &= with - 1) {
      const auto word = static_cast<std::uint32_t>(std::countr_zero(with));
      for (std::uint64_t left = hits[word]; left != 0; left &= left - 1)
        look(content, run, at + word * kWordBytes + static_cast<std::uint32_t>(std::countr_zero(left)), anchors);
    }
    at += static_cast<std::uint32_t>(words) * kWordBytes;
  }
}

}  // namespace sluice::inspect
