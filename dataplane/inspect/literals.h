// Literals of a whole rule set, while they are not too many, in one pass over the content. Of each the four bytes in a
// row that tell most are looked for (rules/window.h), the byte before and behind the literal among them where every
// match has one; where they may stand the bytes themselves are looked at.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/anchors.h"
#include "dataplane/inspect/buckets.h"
#include "dataplane/inspect/content.h"
#include "rules/anchor.h"

namespace sluice::inspect {

class Literals {
 public:
  // Outside the data path: all literals, those of a rule one behind the other; then finish().
  void add(std::uint32_t rule, const rules::Literal& literal);
  // A match of the rule begins with these.
  void add(std::uint32_t rule, std::vector<rules::ByteSet> places);
  void finish();
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t size() const { return items_.size(); }

  // Adds to `anchors` the starts that each literal leaves possible which lies in the content, with the bytes that every
  // match has around it; of those whose window begins in the stretch, and perhaps of a few behind it.
  void find(const Content& content, const Stretch& stretch, Anchors& anchors) const;

 private:
  static constexpr std::size_t kMaxPlaces = 32;
  struct Item {
    std::uint32_t rule = 0;
    std::vector<rules::ByteSet> places;  // with what stands around it
    std::uint32_t window = 0;            // the place at which it begins
    // How many bytes of a match stand before its first place.
    std::uint32_t min_lead = 0;
    std::uint32_t max_lead = 0;
  };
  // What an item's window is, as far as one comparison tells.
  struct Quick {
    std::uint32_t mask = 0;
    std::uint32_t value = 0;
    std::uint32_t item = 0;
    bool alone = false;  // in its bucket: what passes there is its window
  };
  // The text around a place, in one run.
  struct Run {
    Bytes bytes;
    std::uint32_t begin = 0;
  };

  void add_window(std::size_t bucket, const Item& item, const rules::WindowHalves& halves);
  [[nodiscard]] static Quick quick_of(const Item& item, std::uint32_t index);
  void look(const Content& content, const Run& run, std::uint32_t at, Anchors& anchors) const;
  void look_at(const Quick& quick, const Content& content, const Run& run, std::uint32_t at, Anchors& anchors) const;
  static bool stands_in(const Item& item, Bytes bytes, bool window_stands);

  std::vector<Item> items_;
  std::vector<BucketTable> tables_;
  std::size_t places_ = kWindowPlaces;         // that the tables know
  std::vector<std::vector<Quick>> in_bucket_;  // kBuckets a table
  // For each place of a window and each byte there the buckets of all tables that hold such a window.
  std::array<std::array<std::uint32_t, 256>, kWindowPlaces> exact_{};
};

}  // namespace sluice::inspect
