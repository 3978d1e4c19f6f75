// See syn_cookie.h.
#include "dataplane/session/syn_cookie.h"

#include <array>
#include <cstring>

namespace sluice::session {
namespace {

constexpr DurationNs kPeriod = 64 * kSecond;
constexpr std::uint64_t kPeriodsKept = 2;  // this one and the one before
constexpr std::uint32_t kHashMask = 0x00ffffff;
// What networks really offer; the first also stands for less.
constexpr std::array<std::uint16_t, 8> kMss = {536, 1200, 1300, 1360, 1400, 1440, 1460, 8960};

std::uint32_t index_of(std::uint16_t mss) {
  std::uint32_t index = 0;
  while (index + 1 < kMss.size() && kMss[index + 1] <= mss) ++index;
  return index;
}

}  // namespace

std::uint32_t SynCookies::hash(const FlowKey& flow, std::uint32_t client_isn, std::uint64_t period,
                               std::uint32_t mss_index) const {
  std::array<std::uint8_t, sizeof flow + sizeof client_isn + sizeof period + sizeof mss_index> bytes;
  std::uint8_t* at = bytes.data();
  const auto put = [&at](const auto& value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  };
  put(flow);
  put(client_isn);
  put(period);
  put(mss_index);
  return static_cast<std::uint32_t>(siphash(key_, bytes)) & kHashMask;
}

std::uint32_t SynCookies::make(const FlowKey& flow, std::uint32_t client_isn, std::uint16_t client_mss, TimeNs now) {
  last_made_ = now;
  const std::uint64_t period = now / kPeriod;
  const std::uint32_t index = index_of(client_mss);
  return static_cast<std::uint32_t>(period % 32) << 27 | index << 24 | hash(flow, client_isn, period, index);
}

std::optional<std::uint16_t> SynCookies::read(const FlowKey& flow, std::uint32_t client_isn, std::uint32_t cookie,
                                              TimeNs now) const {
  if (!last_made_ || now - *last_made_ > kPeriodsKept * kPeriod) return std::nullopt;
  const std::uint32_t index = cookie >> 24 & 7;
  for (std::uint64_t age = 0; age < kPeriodsKept && age <= now / kPeriod; ++age) {
    const std::uint64_t period = now / kPeriod - age;
    if (period % 32 == cookie >> 27 && hash(flow, client_isn, period, index) == (cookie & kHashMask))
      return kMss[index];
  }
  return std::nullopt;
}

}  // namespace sluice::session
