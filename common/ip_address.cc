// See ip_address.h.
#include "common/ip_address.h"

#include <arpa/inet.h>

#include <array>

namespace sluice {

std::string format_address(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  std::array<std::uint8_t, 16> bytes{};
  if (address.is_ipv4()) {
    store_be32(bytes.data(), address.ipv4());
    ::inet_ntop(AF_INET, bytes.data(), text.data(), text.size());
  } else {
    store_ipv6(bytes.data(), address);
    ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

std::string format_endpoint(const IpAddress& address, std::uint16_t port) {
  const std::string text = format_address(address);
  return (address.is_ipv4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

std::optional<IpAddress> parse_address(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return IpAddress(load_be32(bytes.data()));
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) != 1) return std::nullopt;
  const IpAddress address = load_ipv6(bytes.data());
  if (address.is_ipv4()) return std::nullopt;
  return address;
}

}  // namespace sluice
