// See repeats.h. Text of any period that divides the one that is asked for is found.
#include "dataplane/inspect/repeats.h"

#include <algorithm>
#include <cstring>

namespace sluice::inspect {
namespace {

constexpr std::uint32_t kStep = 2048;
constexpr std::uint32_t kProbe = 32;
constexpr std::uint32_t kWorthIt = 512;
// Most text that repeats itself does so with this period, too, and then less of it has to be searched. It divides both
// that are looked for.
constexpr std::uint32_t kFinePeriod = 12;

// How many of the bytes before `end`, at most `most`, are those a period before.
std::uint32_t same_before(const std::uint8_t* end, std::uint32_t period, std::uint32_t most) {
  std::uint32_t count = 0;
  while (count + kProbe <= most && std::memcmp(end - count - kProbe, end - count - kProbe - period, kProbe) == 0)
    count += kProbe;
  return count;
}

std::uint32_t same_from(const std::uint8_t* begin, std::uint32_t period, std::uint32_t most) {
  if (std::memcmp(begin, begin - period, most) == 0) return most;
  std::uint32_t count = 0;
  while (count + kStep <= most && std::memcmp(begin + count, begin + count - period, kStep) == 0) count += kStep;
  while (count + kProbe <= most && std::memcmp(begin + count, begin + count - period, kProbe) == 0) count += kProbe;
  while (count < most && count + kProbe > most && begin[count] == *(begin + count - period)) ++count;
  return count;
}

}  // namespace

std::optional<Repeat> find_repeat(const Content& content, std::uint32_t after) {
  const std::uint32_t period = period_in(content.length());
  std::uint32_t begin = 0;
  for (unsigned piece = 0; piece < content.piece_count(); begin += content.lengths()[piece++]) {
    const std::uint32_t length = content.lengths()[piece];
    const auto* data = reinterpret_cast<const std::uint8_t*>(content.pieces()[piece]);
    const std::uint32_t first = period + (after > begin ? after - begin : 0);
    for (std::uint32_t at = first + 2 * kAnchorSight; at + kProbe <= length; at += kStep) {
      if (std::memcmp(data + at, data + at - period, kProbe) != 0) continue;
      std::uint32_t low = at - same_before(data + at, period, at - first);
      const std::uint32_t high = at + same_from(data + at, period, length - at);
      if (high - low < kWorthIt) continue;
      // At the end of the content nothing stands behind a place, there or a period before.
      const std::uint32_t to = begin + high == content.length() ? begin + high : begin + high - kAnchorSight;
      const std::uint8_t* repeated = data + low - period;
      if (std::memcmp(repeated, repeated + kFinePeriod, period - kFinePeriod) != 0)
        return Repeat{begin + low + kAnchorSight, to, period};
      low -= period - kFinePeriod;
      return Repeat{begin + low + kAnchorSight, to, kFinePeriod};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::inspect
