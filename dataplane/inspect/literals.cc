// See literals.h.
#include "dataplane/inspect/literals.h"

#include <algorithm>
#include <bit>

#include "common/assert.h"
#include "dataplane/inspect/window.h"

namespace sluice::inspect {
namespace {

constexpr std::uint32_t kWordBytes = 64;
constexpr std::size_t kWordsAtOnce = 32;
constexpr std::uint32_t kBehind = kWindowPlaces - 1;  // bytes that the pass reads behind its words

}  // namespace

void Literals::add(std::uint32_t rule, const rules::Literal& literal) {
  SLUICE_ASSERT(!literal.bytes.empty());
  Item item{.rule = rule, .places = {}};
  const auto width = static_cast<std::uint32_t>(literal.bytes.size());
  const bool has_before = !literal.before.all();
  if (has_before) item.places.push_back(literal.before);
  const std::vector<rules::ByteSet> places = rules::places_of(literal);
  item.places.insert(item.places.end(), places.begin(), places.end());
  if (!literal.after.all()) item.places.push_back(literal.after);
  SLUICE_ASSERT(item.places.size() <= kMaxPlaces);
  item.min_lead = literal.min_reach - width - (has_before ? 1 : 0);
  item.max_lead = literal.max_reach - width - (has_before ? 1 : 0);
  item.window = best_window(item.places);
  items_.push_back(std::move(item));
}

void Literals::finish() {
  std::vector<Window> windows;
  for (const Item& item : items_) windows.push_back(window_at(item.places, item.window));
  std::size_t number = 0;
  for (Bucket& bucket : make_buckets(windows)) {
    tables_.add(number, bucket.window);
    in_bucket_[number++] = std::move(bucket.items);
  }
}

bool Literals::stands_in(const Item& item, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (!item.places[i][bytes[i]]) return false;
  return true;
}

// A window may begin at `at`, which lies in `run` as a whole.
void Literals::look(const Content& content, Bytes run, std::uint32_t run_begin, std::uint32_t at,
                    Anchors& anchors) const {
  for (unsigned left = tables_.at(&run[at - run_begin]); left != 0; left &= left - 1) {
    for (const std::uint32_t index : in_bucket_[static_cast<std::size_t>(std::countr_zero(left))]) {
      const Item& item = items_[index];
      const auto width = static_cast<std::uint32_t>(item.places.size());
      if (at < item.window + item.min_lead || at - item.window + width > content.length()) continue;
      const std::uint32_t begin = at - item.window;
      std::array<std::uint8_t, kMaxPlaces> copied;  // NOLINT(cppcoreguidelines-pro-type-member-init)
      Bytes bytes(copied.data(), width);
      if (begin >= run_begin && begin - run_begin + width <= run.size())
        bytes = run.subspan(begin - run_begin, width);
      else
        content.copy(begin, MutableBytes(copied).first(width));
      if (stands_in(item, bytes))
        anchors.add(item.rule, {.first = begin - std::min(begin, item.max_lead),
                                .last = begin - item.min_lead,
                                .first_end = begin + width});
    }
  }
}

void Literals::find(const Content& content, Anchors& anchors) const {
  static const FindBuckets kFind = find_buckets();
  const std::uint32_t length = content.length();
  std::array<std::uint64_t, kWordsAtOnce> hits;          // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<std::uint8_t, kWordBytes + kBehind> mixed;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  for (std::uint32_t at = 0; at < length;) {
    Bytes run = content.run_from(at);
    std::size_t words = 1;
    if (run.size() >= mixed.size()) {
      words = std::min((run.size() - kBehind) / kWordBytes, kWordsAtOnce);
    } else {
      const std::size_t have = content.copy(at, mixed);
      std::fill(mixed.begin() + static_cast<std::ptrdiff_t>(have), mixed.end(), 0);
      run = mixed;
    }
    for (std::uint32_t with = kFind(run.data(), words, tables_, hits.data()); with != 0; with &= with - 1) {
      const auto word = static_cast<std::uint32_t>(std::countr_zero(with));
      for (std::uint64_t left = hits[word]; left != 0; left &= left - 1)
        look(content, run, at, at + word * kWordBytes + static_cast<std::uint32_t>(std::countr_zero(left)), anchors);
    }
    at += static_cast<std::uint32_t>(words) * kWordBytes;
  }
}

}  // namespace sluice::inspect
