#include "tests/sim/sim_port.h"

#include <rte_mbuf.h>

#include <utility>

#include "common/assert.h"
#include "dataplane/buffer/chain.h"

namespace sluice::sim {

// A port may only be asked for what it can do.
void SimPort::check_promises(const rte_mbuf* frame) const {
  SLUICE_ASSERT(frame->pkt_len > 0);
  const bool segment = (frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0;
  const bool checksum = segment || (frame->ol_flags & RTE_MBUF_F_TX_L4_MASK) != 0;
  SLUICE_ASSERT(!segment || (capabilities_.tx_segmentation && frame->tso_segsz > 0));
  SLUICE_ASSERT(!checksum || capabilities_.tx_checksum);
  SLUICE_ASSERT(segment || frame->pkt_len <= capabilities_.mtu_bytes + 22u);
}

std::uint16_t SimPort::transmit(std::span<rte_mbuf*> frames) {
  std::uint16_t sent = 0;
  for (rte_mbuf* packet : frames) {
    if (refused_per_mille_ > 0 && random_.chance(refused_per_mille_, 1000)) break;
    check_promises(packet);
    WireFrame frame;
    frame.partial_checksum = (packet->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)) != 0;
    frame.segment_bytes = (packet->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0 ? packet->tso_segsz : std::uint16_t{0};
    buffer::Chain chain(packet);
    frame.bytes.resize(chain.length_bytes());
    chain.copy_out(0, frame.bytes.size(), frame.bytes.data());
    counters_.tx_frames.add();
    counters_.tx_bytes.add(frame.bytes.size());
    wire_.send(end_, std::move(frame));
    ++sent;
  }
  return sent;
}

std::uint16_t SimPort::receive(std::span<rte_mbuf*> frames) {
  std::uint16_t received = 0;
  while (received < frames.size()) {
    const std::optional<WireFrame> frame = wire_.receive(end_);
    if (!frame) break;
    rte_mbuf* packet = to_mbufs(*frame);
    if (packet == nullptr) {
      counters_.rx_errors.add();
      continue;
    }
    counters_.rx_frames.add();
    counters_.rx_bytes.add(frame->bytes.size());
    frames[received++] = packet;
  }
  return received;
}

rte_mbuf* SimPort::to_mbufs(const WireFrame& frame) {
  buffer::Chain chain;
  Bytes rest = frame.bytes;
  while (!rest.empty()) {
    rte_mbuf* m = rte_pktmbuf_alloc(chain.empty() ? pools_.frames() : pools_.jumbos());
    if (m == nullptr) m = rte_pktmbuf_alloc(pools_.frames());
    if (m == nullptr) return nullptr;
    const std::size_t here = std::min<std::size_t>(rte_pktmbuf_tailroom(m), rest.size());
    std::memcpy(rte_pktmbuf_mtod(m, void*), rest.data(), here);
    m->data_len = static_cast<std::uint16_t>(here);
    chain.append(buffer::Chain(m));
    rest = rest.subspan(here);
  }
  rte_mbuf* packet = chain.to_packet();
  packet->ol_flags |= frame.partial_checksum ? RTE_MBUF_F_RX_L4_CKSUM_NONE : RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN;
  if (frame.segment_bytes > 0) packet->ol_flags |= RTE_MBUF_F_RX_LRO;
  packet->tso_segsz = frame.segment_bytes;
  return packet;
}

}  // namespace sluice::sim
