// A port over any DPDK poll-mode driver, by port id: one receive and one transmit queue, promiscuous, with
// what checksum and segmentation offloads the driver has. Closes the device when it goes.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/error.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/port/port.h"

namespace sluice::port {

struct EthdevConfig {
  std::uint16_t port_id = 0;
  std::uint16_t receive_descriptors = 1024;   // adjusted to what the driver takes
  std::uint16_t transmit_descriptors = 1024;  // adjusted likewise
};

// The id of the port that EAL knows under this name (a PCI address, or a vdev's name).
Result<std::uint16_t> find_ethdev(std::string_view name);

class EthdevPort final : public Port {
 public:
  // Configures and starts the device. `pools` outlive the port.
  static Result<std::unique_ptr<EthdevPort>> open(const EthdevConfig& config, buffer::Pools& pools);
  ~EthdevPort() override;

  std::uint16_t receive(std::span<rte_mbuf*> frames) override;
  std::uint16_t transmit(std::span<rte_mbuf*> frames) override;
  [[nodiscard]] Capabilities capabilities() const override { return capabilities_; }
  [[nodiscard]] bool link_up() const;

 private:
  EthdevPort(std::uint16_t port_id, buffer::Pools& pools) : port_id_(port_id), pools_(pools) {}
  Result<void> start(const EthdevConfig& config);
  bool join_segments(rte_mbuf*& frame);
  std::uint16_t transmit_some(std::span<rte_mbuf*> frames);

  std::uint16_t port_id_;
  buffer::Pools& pools_;
  Capabilities capabilities_;
  std::uint64_t transmit_offloads_ = 0;  // RTE_ETH_TX_OFFLOAD_* that are on
};

}  // namespace sluice::port
