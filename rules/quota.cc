// See quota.h.
#include "rules/quota.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <vector>

#include "rules/anchor.h"

namespace sluice::rules {

// The cheapest way to an end, where a byte costs one if nothing but `set` leads on.
std::uint32_t Automaton::least_of(const ByteSet& set) const {
  constexpr auto kUnknown = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> price(end_class_, 1);  // of each class of bytes
  for (unsigned byte = 0; byte < 256; ++byte)
    if (!set[byte]) price[class_of_[byte]] = 0;
  std::vector<std::uint32_t> least(table_.size(), kUnknown);  // to the state of this row
  std::deque<std::uint32_t> open = {initial_, initial_after_word_};
  least[initial_] = least[initial_after_word_] = 0;
  std::uint32_t found = kUnknown;
  while (!open.empty()) {
    const std::uint32_t state = open.front();
    open.pop_front();
    if ((table_[state + end_class_] & kEndsHere) != 0) found = std::min(found, least[state]);
    for (std::uint32_t column = 0; column < end_class_; ++column) {
      const std::uint32_t entry = table_[state + column];
      if ((entry & kEndsHere) != 0) found = std::min(found, least[state]);
      const std::uint32_t next = entry & kRow;
      const std::uint32_t cost = least[state] + price[column];
      if (next == kDead || cost >= least[next]) continue;
      least[next] = cost;
      if (price[column] == 0)
        open.push_front(next);
      else
        open.push_back(next);
    }
  }
  return found == kUnknown ? 0 : found;
}

Quota quota_of(const Automaton& automaton) {
  ByteSet within;
  for (unsigned byte = 0; byte < 256; ++byte) within[byte] = automaton.may_contain(static_cast<std::uint8_t>(byte));
  ByteSet digits;
  for (char c = '0'; c <= '9'; ++c) digits.set(static_cast<unsigned char>(c));
  const std::vector<ByteSet> shape = shape_of(automaton);
  Quota quota;
  std::uint32_t most_told = 0;
  for (const ByteSet& of : {digits & within, word_bytes() & within}) {
    const std::uint32_t least = automaton.least_of(of);
    const auto in_shape =
        static_cast<std::uint32_t>(std::ranges::count_if(shape, [&](const ByteSet& at) { return (at & ~of).none(); }));
    if (least <= in_shape + most_told) continue;
    most_told = least - in_shape;
    quota = {.of = of, .within = within, .least = least};
  }
  return quota;
}

}  // namespace sluice::rules
