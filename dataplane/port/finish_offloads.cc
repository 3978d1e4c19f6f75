// TCP segmentation in software, as a NIC does it: sequence numbers and IPv4 identifications go up, FIN and
// PSH stand on the last segment only, CWR on the first only (RFC 3168 section 6.1.2).
#include "dataplane/port/finish_offloads.h"

#include <netinet/in.h>
#include <rte_ip.h>

#include <algorithm>

#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"

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
  l2_bytes_ = frame->l2_len;
  l3_bytes_ = frame->l3_len;
  header_bytes_ = l2_bytes_ + l3_bytes_ + frame->l4_len;
  segment_bytes_ = frame->tso_segsz;
  const bool ipv4 = (frame->ol_flags & RTE_MBUF_F_TX_IPV4) != 0;
  const std::size_t least_l3 = ipv4 ? sizeof(rte_ipv4_hdr) : sizeof(rte_ipv6_hdr);
  const bool sound = header_bytes_ <= kMaxHeaderBytes && header_bytes_ <= frame->data_len && l3_bytes_ >= least_l3 &&
                     frame->l4_len >= wire::kTcpHeaderBytes && segment_bytes_ > 0;
  flags_ = RTE_MBUF_F_TX_TCP_CKSUM | (ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
  if (sound) std::memcpy(header_, rte_pktmbuf_mtod(frame, const void*), header_bytes_);
  payload_ = buffer::Chain(frame);
  if (!sound) return fail();
  payload_.drop_front(header_bytes_);
}

rte_mbuf* FinishedFrames::next() {
  if (!payload_.empty()) return next_segment();
  return std::exchange(whole_, nullptr);
}

rte_mbuf* FinishedFrames::next_segment() {
  const std::size_t payload_bytes = std::min<std::size_t>(segment_bytes_, payload_.length_bytes());
  rte_mbuf* head = rte_pktmbuf_alloc(pools_.frames());
  if (head == nullptr) return fail(), nullptr;
  write_header(rte_pktmbuf_mtod(head, std::uint8_t*), payload_bytes, payload_bytes == payload_.length_bytes());
  head->data_len = static_cast<std::uint16_t>(header_bytes_);
  buffer::Chain segment(head);
  if (!payload_.take_front(pools_, payload_bytes, segment)) return fail(), nullptr;
  sent_bytes_ += payload_bytes;
  ++sent_segments_;

  rte_mbuf* frame = segment.to_packet();
  frame->ol_flags |= flags_;
  frame->l2_len = l2_bytes_ & 0x7f;
  frame->l3_len = l3_bytes_ & 0x1ff;
  frame->l4_len = (header_bytes_ - l2_bytes_ - l3_bytes_) & 0xff;
  if (!port_fills_checksums_ && !complete_checksum_in_software(frame)) {
    rte_pktmbuf_free(frame);
    return fail(), nullptr;
  }
  return frame;
}

void FinishedFrames::write_header(std::uint8_t* out, std::size_t payload_bytes, bool last) const {
  std::memcpy(out, header_, header_bytes_);
  std::uint8_t* ip = out + l2_bytes_;
  std::uint8_t* tcp = ip + l3_bytes_;
  const std::size_t packet_bytes = header_bytes_ - l2_bytes_ + payload_bytes;
  store_be32(tcp + 4, load_be32(tcp + 4) + static_cast<std::uint32_t>(sent_bytes_));
  if (!last) tcp[13] = static_cast<std::uint8_t>(tcp[13] & ~(wire::kFin | wire::kPsh));
  if (sent_segments_ > 0) tcp[13] = static_cast<std::uint8_t>(tcp[13] & ~wire::kCwr);

  if ((flags_ & RTE_MBUF_F_TX_IPV4) != 0) {
    store_be16(ip + 2, static_cast<std::uint16_t>(packet_bytes));
    store_be16(ip + 4, static_cast<std::uint16_t>(load_be16(ip + 4) + sent_segments_));
    store_be16(ip + 10, 0);
    store_be16(ip + 10, wire::ipv4_header_checksum({ip, l3_bytes_}));
  } else {
    store_be16(ip + 4, static_cast<std::uint16_t>(packet_bytes - sizeof(rte_ipv6_hdr)));
  }
  const std::size_t l4_bytes = packet_bytes - l3_bytes_;
  store_be16(tcp + wire::kTcpChecksumOffset, pseudo_header_sum_of(ip, IPPROTO_TCP, l4_bytes));
}

}  // namespace sluice::port
