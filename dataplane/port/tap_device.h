// Opens a TAP network device with virtio-net headers, in this network namespace or a named one.
// Nothing of the calling thread changes: another namespace is entered by a thread that ends at once.
#pragma once

#include <cstdint>
#include <string>

#include "common/error.h"

namespace sluice::port {

struct TapConfig {
  std::string name = {};    // interface name, at most 15 characters
  std::string netns = {};   // name under /run/netns; empty: the namespace of the process
  bool persistent = false;  // the interface stays when the process ends (one that exists stays as it is)
};

// Attaches to the TAP, which is made if it is not there, and owns the descriptor.
class TapDevice {
 public:
  static Result<TapDevice> open(const TapConfig& config);
  TapDevice(TapDevice&& other) noexcept;
  TapDevice& operator=(TapDevice&& other) noexcept;
  TapDevice(const TapDevice&) = delete;
  TapDevice& operator=(const TapDevice&) = delete;
  ~TapDevice();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint32_t mtu_bytes() const { return mtu_bytes_; }

 private:
  TapDevice(int fd, std::uint32_t mtu_bytes) : fd_(fd), mtu_bytes_(mtu_bytes) {}
  int fd_ = -1;
  std::uint32_t mtu_bytes_ = 1500;
};

}  // namespace sluice::port
