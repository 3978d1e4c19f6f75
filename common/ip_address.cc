// See ip_address.h.
#include "common/ip_address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

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

std::optional<HostAndPort> split_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  HostAndPort out;
  std::string_view host = text.substr(0, colon);
  out.bracketed = host.starts_with('[') && host.ends_with(']');
  if (out.bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!out.bracketed && host.find(':') != std::string_view::npos)) return std::nullopt;
  out.host = host;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return out;
}

}  // namespace sluice
