// Who is meant by an address: the tables that the data path asks for every session. Built once, then
// only read; a lookup is a binary search over a few cache lines and touches nothing a peer chose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::enforce {

// Services by address and port.
class ServiceTable {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void add(std::uint32_t address, std::uint16_t port, std::uint32_t index);
  // False when two have the same address and port.
  [[nodiscard]] bool finish();

  [[nodiscard]] std::uint32_t find(std::uint32_t address, std::uint16_t port) const;
  [[nodiscard]] bool has_address(std::uint32_t address) const;

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t index = 0;
  };
  std::vector<Entry> entries_;  // by key: address, then port
};

// Principals by the narrowest network that holds an address. Nested networks are flattened into
// ranges that do not overlap.
class PrincipalTable {
 public:
  void add(std::uint32_t network, unsigned prefix_bits, std::string name);
  void finish();

  // Empty for an address in no network.
  [[nodiscard]] std::string_view find(std::uint32_t address) const;

 private:
  struct Network {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t name = 0;
  };
  struct Range {
    std::uint32_t first = 0;  // up to the next range
    std::uint32_t name = 0;   // position in names_
  };
  void begin_range(std::uint64_t first, std::uint32_t name);

  std::vector<std::string> names_{""};
  std::vector<Network> networks_;
  std::vector<Range> ranges_{{0, 0}};
};

}  // namespace sluice::enforce
