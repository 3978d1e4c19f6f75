// Set-up and bursts of an ethdev. rte_eth_tx_prepare() rewrites a partial checksum into the form that the
// driver's hardware wants (some leave the length out for TSO), so frames may carry Sluice's own form.
#include "dataplane/port/ethdev_port.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <string>

namespace sluice::port {
namespace {

constexpr std::uint64_t kReceiveOffloads = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM |
                                           RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_SCATTER;
constexpr std::uint64_t kChecksumOffloads = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
constexpr std::uint64_t kSegmentationOffloads =
    kChecksumOffloads | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
constexpr std::uint64_t kTransmitOffloads = kSegmentationOffloads;

bool has_all(std::uint64_t offloads, std::uint64_t wanted) {
  return (offloads & wanted) == wanted;
}

std::unexpected<Error> failed(std::uint16_t port_id, const char* what, int error) {
  char name[RTE_ETH_NAME_MAX_LEN] = "?";
  rte_eth_dev_get_name_by_port(port_id, name);
  return fail(ErrorCode::io_failed, "port " + std::to_string(port_id) + " (" + name + "): " + what + ": " +
                                        rte_strerror(error < 0 ? -error : error));
}

}  // namespace

Result<std::uint16_t> find_ethdev(std::string_view name) {
  std::uint16_t port_id = 0;
  if (rte_eth_dev_get_port_by_name(std::string(name).c_str(), &port_id) == 0) return port_id;
  std::string known;
  for (port_id = rte_eth_find_next(0); port_id < RTE_MAX_ETHPORTS;
       port_id = rte_eth_find_next(static_cast<std::uint16_t>(port_id + 1))) {
    char other[RTE_ETH_NAME_MAX_LEN];
    if (rte_eth_dev_get_name_by_port(port_id, other) == 0) known += (known.empty() ? "" : ", ") + std::string(other);
  }
  return fail(ErrorCode::not_found, "no DPDK port is called '" + std::string(name) + "'; there " +
                                        (known.empty() ? "are none" : "are: " + known));
}

Result<std::unique_ptr<EthdevPort>> EthdevPort::open(const EthdevConfig& config, buffer::Pools& pools) {
  if (rte_eth_dev_is_valid_port(config.port_id) == 0) {
    return fail(ErrorCode::not_found, "there is no DPDK port with id " + std::to_string(config.port_id));
  }
  std::unique_ptr<EthdevPort> port(new EthdevPort(config.port_id, pools));
  if (auto started = port->start(config); !started) return std::unexpected(started.error());
  return port;
}

Result<void> EthdevPort::start(const EthdevConfig& config) {
  rte_eth_dev_info info = {};
  if (const int error = rte_eth_dev_info_get(port_id_, &info); error != 0) return failed(port_id_, "info", error);
  rte_eth_conf conf = {};
  conf.rxmode.offloads = info.rx_offload_capa & kReceiveOffloads;
  conf.txmode.offloads = transmit_offloads_ = info.tx_offload_capa & kTransmitOffloads;
  if (const int error = rte_eth_dev_configure(port_id_, 1, 1, &conf); error != 0) {
    return failed(port_id_, "configuration with one queue each way", error);
  }
  std::uint16_t receive_descriptors = config.receive_descriptors;
  std::uint16_t transmit_descriptors = config.transmit_descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(port_id_, &receive_descriptors, &transmit_descriptors);
      error != 0) {
    return failed(port_id_, "descriptor counts", error);
  }
  rte_eth_rxconf receive = info.default_rxconf;
  receive.offloads = conf.rxmode.offloads;
  rte_eth_txconf transmit = info.default_txconf;
  transmit.offloads = conf.txmode.offloads;
  const int socket = rte_eth_dev_socket_id(port_id_);
  const auto socket_id = socket < 0 ? unsigned{0} : static_cast<unsigned>(socket);
  if (const int error = rte_eth_rx_queue_setup(port_id_, 0, receive_descriptors, socket_id, &receive, pools_.frames());
      error != 0) {
    return failed(port_id_, "receive queue", error);
  }
  if (const int error = rte_eth_tx_queue_setup(port_id_, 0, transmit_descriptors, socket_id, &transmit); error != 0) {
    return failed(port_id_, "transmit queue", error);
  }
  if (const int error = rte_eth_dev_start(port_id_); error != 0) return failed(port_id_, "start", error);
  // Frames keep the addresses of the ends, so none of them is addressed to the port.
  if (const int error = rte_eth_promiscuous_enable(port_id_); error != 0 && error != -ENOTSUP) {
    return failed(port_id_, "promiscuous mode", error);
  }
  std::uint16_t mtu_bytes = RTE_ETHER_MTU;
  rte_eth_dev_get_mtu(port_id_, &mtu_bytes);
  capabilities_ = {.tx_checksum = has_all(transmit_offloads_, kChecksumOffloads),
                   .tx_segmentation = has_all(transmit_offloads_, kSegmentationOffloads),
                   .rx_coalescing = false,
                   .mtu_bytes = mtu_bytes};
  return {};
}

EthdevPort::~EthdevPort() {
  rte_eth_dev_stop(port_id_);
  rte_eth_dev_close(port_id_);
}

bool EthdevPort::link_up() const {
  rte_eth_link link = {};
  return rte_eth_link_get_nowait(port_id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

std::uint16_t EthdevPort::receive(std::span<rte_mbuf*> frames) {
  const auto room = static_cast<std::uint16_t>(std::min<std::size_t>(frames.size(), UINT16_MAX));
  const std::uint16_t count = rte_eth_rx_burst(port_id_, 0, frames.data(), room);
  if (count == 0) return 0;
  std::uint64_t bytes = 0;
  for (const rte_mbuf* frame : frames.first(count)) bytes += frame->pkt_len;
  counters_.rx_frames.add(count);
  counters_.rx_bytes.add(bytes);
  return count;
}

// For drivers that send one segment only. False when no buffer is free.
bool EthdevPort::join_segments(rte_mbuf*& frame) {
  const bool large = frame->pkt_len + RTE_PKTMBUF_HEADROOM > rte_pktmbuf_data_room_size(pools_.frames());
  rte_mbuf* joined = rte_pktmbuf_copy(frame, large ? pools_.jumbos() : pools_.frames(), 0, UINT32_MAX);
  if (joined == nullptr) return false;
  rte_pktmbuf_free(frame);
  frame = joined;
  return true;
}

std::uint16_t EthdevPort::transmit(std::span<rte_mbuf*> frames) {
  std::uint16_t done = 0;
  while (done < frames.size()) {
    const std::span<rte_mbuf*> rest = frames.subspan(done);
    const std::uint16_t taken = transmit_some(rest);
    if (taken == 0) break;
    done = static_cast<std::uint16_t>(done + taken);
  }
  return done;
}

// Sends a run of frames, or drops one that the driver will never send. 0 when the queue is full.
std::uint16_t EthdevPort::transmit_some(std::span<rte_mbuf*> frames) {
  std::uint16_t ready = static_cast<std::uint16_t>(std::min<std::size_t>(frames.size(), UINT16_MAX));
  if ((transmit_offloads_ & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0) {
    for (std::uint16_t i = 0; i < ready; ++i) {
      if (frames[i]->nb_segs > 1 && !join_segments(frames[i])) ready = i;
    }
  }
  if ((transmit_offloads_ & ~RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0 && ready > 0) {
    const std::uint16_t prepared = rte_eth_tx_prepare(port_id_, 0, frames.data(), ready);
    if (prepared == 0) {
      rte_pktmbuf_free(frames[0]);
      counters_.tx_errors.add();
      return 1;
    }
    ready = prepared;
  }
  std::uint32_t sizes[64];
  ready = std::min<std::uint16_t>(ready, std::size(sizes));
  for (std::uint16_t i = 0; i < ready; ++i) sizes[i] = frames[i]->pkt_len;  // a sent frame is no longer ours
  const std::uint16_t sent = rte_eth_tx_burst(port_id_, 0, frames.data(), ready);
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < sent; ++i) bytes += sizes[i];
  counters_.tx_frames.add(sent);
  counters_.tx_bytes.add(bytes);
  return sent;
}

}  // namespace sluice::port
