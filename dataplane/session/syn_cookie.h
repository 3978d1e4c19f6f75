// The initial sequence number with which a SYN is answered when no room is left to remember it (RFC 4987 section 3.6):
// it says when it was made and what MSS was offered, under a keyed hash of the flow. Window scale, SACK and timestamps
// do not fit, so such a connection has none of them.
//
//   bits 31..27  period of 64 s, modulo 32     26..24  index of the MSS     23..0  hash
#pragma once

#include <cstdint>
#include <optional>

#include "common/siphash.h"
#include "common/time.h"
#include "dataplane/session/flow_key.h"

namespace sluice::session {

class SynCookies {
 public:
  explicit SynCookies(const HashKey& key) : key_(key) {}

  std::uint32_t make(const FlowKey& flow, std::uint32_t client_isn, std::uint16_t client_mss, TimeNs now);
  // What the client offered, rounded down; nothing when the number is none of ours, or older than two minutes.
  [[nodiscard]] std::optional<std::uint16_t> read(const FlowKey& flow, std::uint32_t client_isn, std::uint32_t cookie,
                                                  TimeNs now) const;

 private:
  [[nodiscard]] std::uint32_t hash(const FlowKey& flow, std::uint32_t client_isn, std::uint64_t period,
                                   std::uint32_t mss_index) const;

  HashKey key_;
  std::optional<TimeNs> last_made_;  // else nobody has to look
};

}  // namespace sluice::session
