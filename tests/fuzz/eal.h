// DPDK's EAL for fuzzers that need mbufs: in plain memory, on whatever CPU the process is, once.
#pragma once

#include <rte_eal.h>

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "dataplane/buffer/pools.h"

namespace sluice::fuzz {

// As long as the process.
inline buffer::Pools& pools() {
  static buffer::Pools* const made = [] {
    const char* eal[] = {"fuzz", "--no-huge", "--no-pci", "--no-telemetry", "--no-shconf", "-m", "128", "--log-level",
                         "4",    "--lcores",  "0"};
    if (rte_eal_init(static_cast<int>(std::size(eal)), const_cast<char**>(eal)) < 0) std::abort();
    auto result = buffer::Pools::create("fuzz", {.frames = 4096, .jumbos = 64, .views = 8192, .blocks = 8});
    if (!result) std::abort();
    return new buffer::Pools(std::move(*result));
  }();
  return *made;
}

// The bytes that say what happens next; zeros once they are used up.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
  [[nodiscard]] bool over() const { return at_ == end_; }
  std::uint8_t byte() { return over() ? 0 : *at_++; }
  std::uint16_t two() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  std::uint32_t four() {
    const std::uint32_t high = two();
    return high << 16 | two();
  }
  // Mostly near 0, on either side, sometimes anywhere.
  std::uint32_t near() {
    const std::uint8_t how = byte();
    if (how < 128) return 0;
    if (how < 200) return static_cast<std::uint32_t>(static_cast<std::int8_t>(byte()));
    if (how < 250) return static_cast<std::uint32_t>(static_cast<std::int16_t>(two()));
    return four();
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace sluice::fuzz
