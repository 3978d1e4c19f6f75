// What identifies a connection on the wire: both ends and the VLAN tags it travels under.
#pragma once

#include <cstdint>

#include "common/ip_address.h"
#include "common/siphash.h"
#include "dataplane/wire/frame.h"

namespace sluice::session {

struct FlowKey {
  IpAddress client_address;
  IpAddress server_address;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::uint32_t vlans = 0;  // two tags of 12 bits, 0 for none

  bool operator==(const FlowKey&) const = default;
  // Of IPv4 only what is not the same in all of it.
  [[nodiscard]] std::uint64_t hash(const HashKey& seed) const {
    if (!client_address.is_ipv4()) return siphash(seed, {reinterpret_cast<const std::uint8_t*>(this), sizeof *this});
    return siphash_words(seed, std::uint64_t{client_address.ipv4()} << 32 | server_address.ipv4(),
                         std::uint64_t{vlans} << 32 | std::uint32_t{client_port} << 16 | server_port);
  }
};
static_assert(sizeof(FlowKey) == 40, "hashed as bytes: no padding");

// From a frame that a client sent (`from_client`) or a server.
inline FlowKey flow_key(const wire::Frame& frame, bool from_client) {
  FlowKey key{frame.source, frame.destination, frame.source_port, frame.destination_port, 0};
  if (!from_client) {
    std::swap(key.client_address, key.server_address);
    std::swap(key.client_port, key.server_port);
  }
  for (std::size_t at = 12; at + 6 <= frame.link.length; at += 4)
    key.vlans = (key.vlans << 12) | (load_be16(frame.link.bytes + at + 2) & 0xfffU);
  return key;
}

}  // namespace sluice::session
