// An IP address of either family, as one value: 16 bytes, in which IPv4 addresses are ::ffff:a.b.c.d (RFC 4291 section
// 2.5.5.2). No frame may carry that form (dataplane/wire refuses it), so the two families never meet. Host order.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sluice {

struct IpAddress {
  static constexpr std::uint64_t kIpv4 = 0x0000'ffff'0000'0000;  // above an IPv4 address in `low`

  std::uint64_t high = 0;
  std::uint64_t low = 0;

  constexpr IpAddress() = default;                                // "::", the address of none
  constexpr IpAddress(std::uint32_t ipv4) : low(kIpv4 | ipv4) {}  // NOLINT(google-explicit-constructor): it is one
  constexpr IpAddress(std::uint64_t high_half, std::uint64_t low_half) : high(high_half), low(low_half) {}

  // Which of the two: the address of none is of neither.
  [[nodiscard]] constexpr bool is_ipv4() const { return high == 0 && low >> 32 == kIpv4 >> 32; }
  [[nodiscard]] constexpr bool is_none() const { return (high | low) == 0; }
  // The IPv4 address; of another its last 32 bits.
  [[nodiscard]] constexpr std::uint32_t ipv4() const { return static_cast<std::uint32_t>(low); }
  [[nodiscard]] constexpr bool is_multicast() const { return is_ipv4() ? (ipv4() >> 28) == 0xe : (high >> 56) == 0xff; }
  // The first `bits` of it, of 128: an IPv4 prefix of n bits is one of 96 + n.
  [[nodiscard]] constexpr IpAddress prefix(unsigned bits) const {
    const auto upper = [](std::uint64_t half, unsigned count) {
      return count == 0 ? 0 : count >= 64 ? half : half >> (64 - count) << (64 - count);
    };
    return {upper(high, bits), bits <= 64 ? 0 : upper(low, bits - 64)};
  }
  // The last address that has the same first `bits`.
  [[nodiscard]] constexpr IpAddress last_of(unsigned bits) const {
    const IpAddress mask = IpAddress(~std::uint64_t{0}, ~std::uint64_t{0}).prefix(bits);
    return {high | ~mask.high, low | ~mask.low};
  }
  // Who it stands for where sources are counted: who has one IPv6 address has the /64 it is in (RFC 6177). IPv4 stands
  // where only multicast would be, which is no source.
  [[nodiscard]] constexpr std::uint64_t source() const { return is_ipv4() ? 0xffff'ffff'0000'0000 | ipv4() : high; }
  // The one after it; "::" after the last.
  [[nodiscard]] constexpr IpAddress next() const { return {low + 1 == 0 ? high + 1 : high, low + 1}; }

  auto operator<=>(const IpAddress&) const = default;
};

inline constexpr unsigned kAddressBits = 128;
inline constexpr unsigned kIpv4PrefixBits = 96;  // that an IPv4 address has in front

// 16 bytes as an IPv6 header has them.
inline IpAddress load_ipv6(const std::uint8_t* p) {
  return {std::uint64_t{load_be32(p)} << 32 | load_be32(p + 4),
          std::uint64_t{load_be32(p + 8)} << 32 | load_be32(p + 12)};
}
inline void store_ipv6(std::uint8_t* p, const IpAddress& address) {
  store_be32(p, static_cast<std::uint32_t>(address.high >> 32));
  store_be32(p + 4, static_cast<std::uint32_t>(address.high));
  store_be32(p + 8, static_cast<std::uint32_t>(address.low >> 32));
  store_be32(p + 12, static_cast<std::uint32_t>(address.low));
}

// "10.77.0.2", "2001:db8::2" (RFC 5952).
std::string format_address(const IpAddress& address);
// "10.77.0.2:8080", "[2001:db8::2]:8080".
std::string format_endpoint(const IpAddress& address, std::uint16_t port);
// Of either family, without brackets; nothing for ::ffff:10.77.0.2, which is written 10.77.0.2.
std::optional<IpAddress> parse_address(std::string_view text);

struct HostAndPort {
  std::string host;  // without its brackets
  bool bracketed = false;
  std::uint16_t port = 0;
};
// "10.0.0.7:8080", "host.example:8080", "[2001:db8::7]:8080": a host with colons of its own stands in brackets. The
// host is what it is, not looked at.
std::optional<HostAndPort> split_host_and_port(std::string_view text);

}  // namespace sluice
