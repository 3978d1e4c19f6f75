// The lab's port: a TAP whose frames carry virtio-net headers, so that coalesced frames of 64 KB and
// partial checksums pass as they are. One system call a frame; one owner thread.
// A frame goes into a frame buffer, and what does not fit goes on in a jumbo. When no jumbo is free the rest
// is copied into frame buffers: ACKs must still come in when everything else waits for them.
#pragma once

#include <rte_mbuf.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/error.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/port/port.h"
#include "dataplane/port/tap_device.h"
#include "dataplane/port/virtio_header.h"

namespace sluice::port {

class TapPort final : public Port {
 public:
  // `pools` outlive the port.
  static Result<std::unique_ptr<TapPort>> open(const TapConfig& config, buffer::Pools& pools);
  ~TapPort() override;

  std::uint16_t receive(std::span<rte_mbuf*> frames) override;
  std::uint16_t transmit(std::span<rte_mbuf*> frames) override;
  [[nodiscard]] Capabilities capabilities() const override;
  [[nodiscard]] int wait_fd() const override { return device_.fd(); }

 private:
  enum class Sent { taken, refused, full };
  static constexpr std::size_t kMaxSegments = 1023;      // one of the 1024 of IOV_MAX is the header
  static constexpr std::size_t kSpillBytes = 64 * 1024;  // with a frame buffer before it, holds any frame

  TapPort(TapDevice device, buffer::Pools& pools);
  bool prepare_buffers();
  rte_mbuf* receive_one();
  rte_mbuf* take_received(const VirtioHeader& header, std::size_t frame_bytes);
  Sent transmit_one(rte_mbuf* frame);

  TapDevice device_;
  buffer::Pools& pools_;
  // Kept ready between reads, so that a read that finds nothing costs no buffer.
  rte_mbuf* next_frame_ = nullptr;
  rte_mbuf* next_jumbo_ = nullptr;
  std::unique_ptr<std::uint8_t[]> spill_;
  std::array<iovec, kMaxSegments + 1> pieces_;
};

}  // namespace sluice::port
