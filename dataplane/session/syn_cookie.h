// The initial sequence number with which a SYN is answered when no room is left to remember it (RFC 4987 section 3.6):
// it says when it was made, what MSS was offered and whether SACK was, under a keyed hash of the flow. Window scale and
// timestamps do not fit, so such a connection has neither.
//
//   bits 31..28  period of 64 s, modulo 16     27  SACK permitted     26..24  index of the MSS     23..0  hash
#pragma once

#include <cstdint>
#include <optional>

#include "common/siphash.h"
#include "common/time.h"
#include "dataplane/session/flow_key.h"

namespace sluice::session {

// What a cookie keeps of the options that came with the SYN.
struct CookieOffer {
  std::uint16_t mss = 0;
  bool sack_permitted = false;
  friend bool operator==(const CookieOffer&, const CookieOffer&) = default;
};

class SynCookies {
 public:
  explicit SynCookies(const HashKey& key) : key_(key) {}

  std::uint32_t make(const FlowKey& flow, std::uint32_t client_isn, const CookieOffer& offer, TimeNs now);
  // What the client offered, the MSS rounded down; nothing when the number is none of ours, or older than two minutes.
  [[nodiscard]] std::optional<CookieOffer> read(const FlowKey& flow, std::uint32_t client_isn, std::uint32_t cookie,
                                                TimeNs now) const;

 private:
  [[nodiscard]] std::uint32_t hash(const FlowKey& flow, std::uint32_t client_isn, std::uint64_t period,
                                   std::uint32_t options) const;

  HashKey key_;
  std::optional<TimeNs> last_made_;  // else nobody has to look
};

}  // namespace sluice::session
