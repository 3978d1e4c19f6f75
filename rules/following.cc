// See following.h.
#include "rules/following.h"

#include <algorithm>
#include <optional>

namespace sluice::rules {
namespace {

Following either(const Following& a, const Following& b) {
  Following out;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) out.push_back(a[i] | b[i]);
  return out;
}

}  // namespace

Following following_with(const ByteSet& set, const Following& beyond) {
  Following out{set};
  out.insert(out.end(), beyond.begin(),
             beyond.begin() + static_cast<std::ptrdiff_t>(std::min(beyond.size(), kMaxFollowing - 1)));
  return out;
}

// More than kMaxFollowing times is no other than so often: each time that counts has a byte.
Following following_with(const Expression& part, std::uint32_t min, std::uint32_t max, const Following& beyond) {
  const std::size_t least = std::min<std::size_t>(min, kMaxFollowing);
  const std::size_t most = std::min<std::size_t>(max, kMaxFollowing);
  Following now = beyond;
  std::optional<Following> out;
  for (std::size_t times = 0;; ++times) {
    if (times >= least) out = out ? either(*out, now) : now;
    if (times == most) return *std::move(out);
    now = following_with(part, now);
  }
}

Following following_with(const Expression& e, const Following& beyond) {
  switch (e.kind) {
    case Expression::Kind::bytes:
      return following_with(e.set, beyond);
    case Expression::Kind::boundary:
    case Expression::Kind::no_boundary:
      return beyond;
    case Expression::Kind::end:  // no byte need follow
      return {};
    case Expression::Kind::sequence: {
      Following out = beyond;
      for (std::size_t i = e.parts.size(); i-- > 0;) out = following_with(e.parts[i], out);
      return out;
    }
    case Expression::Kind::choice: {
      std::optional<Following> out;
      for (const Expression& part : e.parts) {
        Following here = following_with(part, beyond);
        out = out ? either(*out, here) : std::move(here);
      }
      return out ? *std::move(out) : Following();
    }
    case Expression::Kind::repeat:
      return following_with(e.parts.front(), e.min, e.max, beyond);
  }
  return {};
}

}  // namespace sluice::rules
