// What was found of each rule's anchor, as ranges of positions at which a match may start.
// Bounded: a rule whose ranges do not fit is searched as a whole instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::inspect {

class Anchors {
 public:
  struct Range {
    std::uint32_t first = 0;      // the first start
    std::uint32_t last = 0;       // the last start
    std::uint32_t first_end = 0;  // no match from these starts ends before it
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  Anchors();
  void grow_for(std::size_t rules);  // outside the data path
  [[nodiscard]] std::size_t rules() const { return rules_.size(); }

  void clear();
  // Matches of rule `position` may start in this range. Ranges of a rule come in about the order of the content.
  void add(std::uint32_t position, const Range& range) {
    ++found_;
    PerRule& rule = rules_[position];
    if (rule.whole) return;
    if (rule.head == kNone)
      touched_.push_back(position);
    else if (range.first <= ranges_[rule.tail].last + 1)
      return join(rule, range);
    append(rule, range);
  }

  // Grows with every range that is added, and with notice(): while it stands, nothing was found.
  [[nodiscard]] std::uint64_t found() const { return found_; }
  // There is what would be an anchor, had the content begun earlier, or ended so.
  void notice() { ++found_; }

  // The rules that have ranges, or are to be searched as a whole.
  [[nodiscard]] const std::vector<std::uint32_t>& touched() const { return touched_; }
  [[nodiscard]] bool touched(std::uint32_t rule) const { return rules_[rule].whole || rules_[rule].head != kNone; }
  [[nodiscard]] bool whole(std::uint32_t rule) const { return rules_[rule].whole; }
  // The ranges of a rule in ascending order, linked by `next`.
  [[nodiscard]] std::uint32_t first_range(std::uint32_t rule) const { return rules_[rule].head; }
  [[nodiscard]] const Range& range(std::uint32_t at) const { return ranges_[at]; }

 private:
  struct PerRule {
    std::uint32_t head = kNone;
    std::uint32_t tail = kNone;
    bool whole = false;
  };
  void join(PerRule& rule, const Range& range);
  void append(PerRule& rule, const Range& range);

  std::vector<PerRule> rules_;
  std::vector<Range> ranges_;
  std::vector<std::uint32_t> touched_;
  std::uint64_t found_ = 0;
};

}  // namespace sluice::inspect
