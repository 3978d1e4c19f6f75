// A port at one end of a simulated wire. With offloads it stands for a virtio-net TAP or a NIC that
// fills checksums, cuts TSO frames and coalesces; without, for the plainest NIC.
// Received frames lie as the TAP's do: a frame buffer, and the rest in a jumbo.
#pragma once

#include "dataplane/buffer/pools.h"
#include "dataplane/port/port.h"
#include "tests/sim/wire.h"

namespace sluice::sim {

class SimPort final : public port::Port {
 public:
  // The wire and the pools outlive the port. `refused_per_mille`: how often a burst is cut short.
  SimPort(Wire& wire, int end, buffer::Pools& pools, const port::Capabilities& capabilities,
          std::uint32_t refused_per_mille = 0, std::uint64_t seed = 0)
      : wire_(wire),
        end_(end),
        pools_(pools),
        capabilities_(capabilities),
        refused_per_mille_(refused_per_mille),
        random_(seed) {}

  std::uint16_t receive(std::span<rte_mbuf*> frames) override;
  std::uint16_t transmit(std::span<rte_mbuf*> frames) override;
  [[nodiscard]] port::Capabilities capabilities() const override { return capabilities_; }

 private:
  rte_mbuf* to_mbufs(const WireFrame& frame);
  void check_promises(const rte_mbuf* frame) const;

  Wire& wire_;
  int end_;
  buffer::Pools& pools_;
  port::Capabilities capabilities_;
  std::uint32_t refused_per_mille_;
  Random random_;
};

inline constexpr port::Capabilities kPlainNic{};
inline constexpr port::Capabilities kOffloadingNic{
    .tx_checksum = true, .tx_segmentation = true, .rx_coalescing = true, .mtu_bytes = 1500};

}  // namespace sluice::sim
