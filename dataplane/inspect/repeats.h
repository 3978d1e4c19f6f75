// Text that repeats itself: one byte again and again, or a few. Where no anchor was found in it, none is found in what
// is the same, so that a megabyte of it costs a comparison. Only what made text costs less by this; other text pays one
// look.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "dataplane/inspect/content.h"

namespace sluice::inspect {

// As many bytes before and behind a place tell whether an anchor is found there, at most.
inline constexpr std::uint32_t kAnchorSight = 32;

// The bytes around each place of [from, to) are those around the place that lies `period` before it, or the content
// ends.
struct Repeat {
  std::uint32_t from = 0;  // at least period + kAnchorSight
  std::uint32_t to = 0;
  std::uint32_t period = 0;
};

// The period that is looked for; text of one that divides it has it, too.
inline std::uint32_t period_in(std::uint32_t length) {
  constexpr std::uint32_t kLongSection = 32 * 1024;
  constexpr std::uint32_t kLongPeriod = 5040;  // 1 to 10, 12, 14, 15, 16 and more divide it
  constexpr std::uint32_t kShortPeriod = 120;  // so do 1 to 6, 8, 10, 12, 15, 20 this
  return length >= kLongSection ? kLongPeriod : kShortPeriod;
}

// One look in the middle of the last piece. Where it errs, the text is searched as other text is.
inline bool may_repeat(const Content& content) {
  const unsigned last = content.piece_count() - 1;
  const std::uint32_t period = period_in(content.length());
  const std::uint32_t middle = content.lengths()[last] / 2;
  if (middle < period + sizeof(std::uint64_t)) return false;
  const char* at = content.pieces()[last] + middle;
  return std::memcmp(at, at - period, sizeof(std::uint64_t)) == 0;
}

// The next that is worth it, and what it repeats begins at `after` or later.
std::optional<Repeat> find_repeat(const Content& content, std::uint32_t after);

}  // namespace sluice::inspect
