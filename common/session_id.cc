// See session_id.h.
#include "common/session_id.h"

#include <charconv>

#include "common/assert.h"

namespace sluice {
namespace {

constexpr unsigned kWorkerShift = 58;
constexpr std::size_t kDigits = 16;

}  // namespace

SessionIds::SessionIds(unsigned worker, WallNs start_wall_ns)
    : next_((static_cast<SessionId>(worker) << kWorkerShift) | (start_wall_ns / kMicrosecond)) {
  SLUICE_ASSERT(worker < 64);
}

std::string format_session_id(SessionId id) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out(kDigits, '0');
  for (std::size_t i = kDigits; i-- > 0; id >>= 4) out[i] = kHex[id & 15];
  return out;
}

std::optional<SessionId> parse_session_id(std::string_view text) {
  SessionId id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != kDigits) return std::nullopt;
  return id;
}

}  // namespace sluice
