// Who is meant by an address: the tables that the data path asks for every session. Built once, then
// only read; a lookup is a binary search over a few cache lines and touches nothing a peer chose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"

namespace sluice::enforce {

// Services by address and port.
class ServiceTable {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void add(const IpAddress& address, std::uint16_t port, std::uint32_t index);
  // False when two have the same address and port.
  [[nodiscard]] bool finish();

  [[nodiscard]] std::uint32_t find(const IpAddress& address, std::uint16_t port) const;
  [[nodiscard]] bool has_address(const IpAddress& address) const;

 private:
  struct Key {
    IpAddress address;
    std::uint16_t port = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    Key key;
    std::uint32_t index = 0;
  };
  std::vector<Entry> entries_;  // by key
};

// Principals by the narrowest network that holds an address. Nested networks are flattened into
// ranges that do not overlap.
class PrincipalTable {
 public:
  // `prefix_bits` of 128 (IpAddress::prefix).
  void add(const IpAddress& network, unsigned prefix_bits, std::string name);
  void finish();

  // Empty for an address in no network.
  [[nodiscard]] std::string_view find(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress first;
    IpAddress last;
    std::uint32_t name = 0;
  };
  struct Range {
    IpAddress first;         // up to the next range
    std::uint32_t name = 0;  // position in names_
  };
  void begin_range(const IpAddress& first, std::uint32_t name);

  std::vector<std::string> names_{""};
  std::vector<Network> networks_;
  std::vector<Range> ranges_{{{}, 0}};
};

}  // namespace sluice::enforce
