// See finish_offloads.h.
#include "dataplane/port/finish_offloads.h"

#include <rte_ip.h>

#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"

namespace sluice::port {

FinishedFrames::FinishedFrames(rte_mbuf* frame, const Capabilities& port, buffer::Pools& pools)
    : pools_(pools), port_fills_checksums_(port.tx_checksum) {
  if (is_finished(frame, port)) {
    whole_ = frame;
  } else if ((frame->ol_flags & RTE_MBUF_F_TX_TCP_SEG) != 0) {
    start_segmentation(frame);
  } else if (complete_checksum_in_software(frame)) {
    whole_ = frame;
  } else {
    rte_pktmbuf_free(frame);
    fail();
  }
}

void FinishedFrames::start_segmentation(rte_mbuf* frame) {
  const std::size_t link_bytes = frame->l2_len;
  const std::size_t ip_bytes = frame->l3_len;
  const std::size_t header_bytes = link_bytes + ip_bytes + frame->l4_len;
  const std::uint16_t segment_bytes = frame->tso_segsz;
  const bool ipv4 = (frame->ol_flags & RTE_MBUF_F_TX_IPV4) != 0;
  const bool sound = header_bytes <= Segmentation::kMaxHeaderBytes && header_bytes <= frame->data_len &&
                     ip_bytes >= (ipv4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr)) &&
                     frame->l4_len >= wire::kTcpHeaderBytes && segment_bytes > 0;
  if (!sound) {
    rte_pktmbuf_free(frame);
    return fail();
  }
  const Bytes header(rte_pktmbuf_mtod(frame, const std::uint8_t*), header_bytes);
  segmentation_.emplace(header, link_bytes, ip_bytes, segment_bytes);
  payload_ = buffer::Chain::payload_of(frame, header_bytes, frame->pkt_len - header_bytes);
}

rte_mbuf* FinishedFrames::next() {
  if (!payload_.empty()) return next_segment();
  return std::exchange(whole_, nullptr);
}

rte_mbuf* FinishedFrames::next_segment() {
  rte_mbuf* frame = segmentation_->next(pools_, payload_);
  if (frame == nullptr) return fail(), nullptr;
  if (port_fills_checksums_ || complete_checksum_in_software(frame)) return frame;
  rte_pktmbuf_free(frame);
  return fail(), nullptr;
}

}  // namespace sluice::port
