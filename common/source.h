// Where somebody calls from, in one word (IpAddress::source(): an IPv4 address, or an IPv6 /64): what a name that
// callers give themselves is told apart by. 0 is nowhere: who is known needs none.
#pragma once

#include <cstdint>
#include <string>

#include "common/ip_address.h"

namespace sluice {

// Its first address, and how many bits of it are those of all.
struct SourceNetwork {
  IpAddress address;
  unsigned bits = 0;  // of 128; 0 is nowhere
};

constexpr SourceNetwork network_of_source(std::uint64_t source) {
  if (source == 0) return {};
  if (source >> 32 == 0xffff'ffff) return {IpAddress(static_cast<std::uint32_t>(source)), kAddressBits};
  return {IpAddress(source, 0), 64};
}

// "10.77.0.2", "2001:db8::/64"; empty of nowhere.
inline std::string format_source(std::uint64_t source) {
  const SourceNetwork network = network_of_source(source);
  if (network.bits == 0) return {};
  return format_address(network.address) + (network.address.is_ipv4() ? "" : "/64");
}

}  // namespace sluice
