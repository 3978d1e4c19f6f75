// What a leg knows of the path to its peer: how large a segment may be. The handshake said it first; the network lowers
// it (RFC 1191, RFC 8201), and what was lowered ages, as paths change. Only ever smaller than what the handshake said.
#pragma once

#include <cstdint>

#include "common/time.h"

namespace sluice::tcp {

class PathMtu {
 public:
  static constexpr DurationNs kAges = 600 * kSecond;  // RFC 1191 section 6.3, RFC 8201 section 5.3
  // Below this a router's word is not taken (Linux: min_pmtu), so that nobody makes headers of all that we send. IPv6
  // has links of at least 1280 bytes everywhere.
  static constexpr std::uint32_t kLeastIpv4 = 552;
  static constexpr std::uint32_t kLeastIpv6 = 1280;

  explicit PathMtu(std::uint16_t full_mss) : full_mss_(full_mss) {}

  void lowered(TimeNs now) { ages_at_ = now + kAges; }
  [[nodiscard]] bool is_lowered() const { return ages_at_ != kNever; }
  // What was lowered is to be tried anew.
  [[nodiscard]] bool has_aged(TimeNs now) const { return ages_at_ <= now; }
  // What the handshake said: the payload of one segment.
  std::uint16_t restore() {
    ages_at_ = kNever;
    return full_mss_;
  }

  // The packets that a path takes, from what an error says of it: `told`, or a guess where a router told 0 as it was
  // built before RFC 1191: the next common size below the packet that it did not take. 0: not to be believed.
  static std::uint32_t believed(bool ipv4, std::uint32_t told, std::uint32_t packet_bytes);

 private:
  TimeNs ages_at_ = kNever;
  std::uint16_t full_mss_;
};

}  // namespace sluice::tcp
