// See syn_cookie.h.
#include "dataplane/session/syn_cookie.h"

#include <array>
#include <cstring>

namespace sluice::session {
namespace {

constexpr DurationNs kPeriod = 64 * kSecond;
constexpr std::uint64_t kPeriodsKept = 2;  // this one and the one before
constexpr std::uint64_t kPeriodsTold = 16;
constexpr std::uint32_t kPeriodShift = 28;
constexpr std::uint32_t kOptionsShift = 24;
constexpr std::uint32_t kOptionsMask = 15;  // the index of the MSS, and
constexpr std::uint32_t kSackPermitted = 8;
constexpr std::uint32_t kHashMask = 0x00ffffff;
// What networks really offer; the first also stands for less.
constexpr std::array<std::uint16_t, 8> kMss = {536, 1200, 1300, 1360, 1400, 1440, 1460, 8960};

std::uint32_t index_of(std::uint16_t mss) {
  std::uint32_t index = 0;
  while (index + 1 < kMss.size() && kMss[index + 1] <= mss) ++index;
  return index;
}

CookieOffer offer_of(std::uint32_t options) {
  return {.mss = kMss[options % kSackPermitted], .sack_permitted = (options & kSackPermitted) != 0};
}

}  // namespace

std::uint32_t SynCookies::hash(const FlowKey& flow, std::uint32_t client_isn, std::uint64_t period,
                               std::uint32_t options) const {
  std::array<std::uint8_t, sizeof flow + sizeof client_isn + sizeof period + sizeof options> bytes;
  std::uint8_t* at = bytes.data();
  const auto put = [&at](const auto& value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  };
  put(flow);
  put(client_isn);
  put(period);
  put(options);
  return static_cast<std::uint32_t>(siphash(key_, bytes)) & kHashMask;
}

std::uint32_t SynCookies::make(const FlowKey& flow, std::uint32_t client_isn, const CookieOffer& offer, TimeNs now) {
  last_made_ = now;
  const std::uint64_t period = now / kPeriod;
  const std::uint32_t options = index_of(offer.mss) | (offer.sack_permitted ? kSackPermitted : 0);
  return static_cast<std::uint32_t>(period % kPeriodsTold) << kPeriodShift | options << kOptionsShift |
         hash(flow, client_isn, period, options);
}

std::optional<CookieOffer> SynCookies::read(const FlowKey& flow, std::uint32_t client_isn, std::uint32_t cookie,
                                            TimeNs now) const {
  if (!last_made_ || now - *last_made_ > kPeriodsKept * kPeriod) return std::nullopt;
  const std::uint32_t options = cookie >> kOptionsShift & kOptionsMask;
  for (std::uint64_t age = 0; age < kPeriodsKept && age <= now / kPeriod; ++age) {
    const std::uint64_t period = now / kPeriod - age;
    if (period % kPeriodsTold == cookie >> kPeriodShift &&
        hash(flow, client_isn, period, options) == (cookie & kHashMask))
      return offer_of(options);
  }
  return std::nullopt;
}

}  // namespace sluice::session
