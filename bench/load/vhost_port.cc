// See vhost_port.h.
#include "bench/load/vhost_port.h"

#include <rte_ethdev.h>

#include <cstring>
#include <string>

#include "dataplane/wire/build.h"

namespace sluice::bench {

Result<VhostPort> VhostPort::open(const char* device, rte_mempool* pool) {
  VhostPort port;
  port.pool_ = pool;
  const auto failed = [device](const char* what) {
    return fail(ErrorCode::io_failed, std::string(device) + ": " + what + " failed");
  };
  if (rte_eth_dev_get_port_by_name(device, &port.port_id_) != 0) return failed("finding the port");
  rte_eth_conf conf = {};
  conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (rte_eth_dev_configure(port.port_id_, 1, 1, &conf) != 0) return failed("configuration");
  if (rte_eth_rx_queue_setup(port.port_id_, 0, 1024, 0, nullptr, pool) != 0) return failed("receive queue");
  if (rte_eth_tx_queue_setup(port.port_id_, 0, 1024, 0, nullptr) != 0) return failed("transmit queue");
  if (rte_eth_dev_start(port.port_id_) != 0) return failed("start");
  return port;
}

bool VhostPort::link_up() const {
  rte_eth_link link = {};
  return rte_eth_link_get_nowait(port_id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::uint16_t VhostPort::receive(std::span<rte_mbuf*> frames) {
  return rte_eth_rx_burst(port_id_, 0, frames.data(), static_cast<std::uint16_t>(frames.size()));
}

bool VhostPort::send(Bytes head, std::size_t link_bytes, Bytes payload) {
  rte_mbuf* frame = rte_pktmbuf_alloc(pool_);
  if (frame == nullptr) return false;
  char* to = rte_pktmbuf_append(frame, static_cast<std::uint16_t>(head.size() + payload.size()));
  if (to == nullptr) {
    rte_pktmbuf_free(frame);
    return false;
  }
  std::memcpy(to, head.data(), head.size());
  if (!payload.empty()) std::memcpy(to + head.size(), payload.data(), payload.size());
  frame->l2_len = link_bytes & 0x7f;
  frame->l3_len = wire::kIpv4HeaderBytes;
  frame->l4_len = static_cast<std::uint8_t>(head.size() - link_bytes - wire::kIpv4HeaderBytes);
  frame->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
  queue_.push_back(frame);
  return true;
}

void VhostPort::flush() {
  if (queue_.empty()) return;
  const std::uint16_t sent = rte_eth_tx_burst(port_id_, 0, queue_.data(), static_cast<std::uint16_t>(queue_.size()));
  queue_.erase(queue_.begin(), queue_.begin() + sent);
}

}  // namespace sluice::bench
