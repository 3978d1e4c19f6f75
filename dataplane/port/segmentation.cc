// What is the same in every header is made once.
#include "dataplane/port/segmentation.h"

#include <netinet/in.h>
#include <rte_ip.h>

#include <cstring>

#include "common/assert.h"
#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"

namespace sluice::port {
namespace {

constexpr std::size_t kFlagsAt = 13;

}  // namespace

Segmentation::Segmentation(Bytes header, std::size_t link_bytes, std::size_t ip_bytes, std::uint16_t segment_bytes)
    : header_bytes_(header.size()), link_bytes_(link_bytes), ip_bytes_(ip_bytes), segment_bytes_(segment_bytes) {
  SLUICE_ASSERT(header.size() <= kMaxHeaderBytes && link_bytes + ip_bytes + wire::kTcpHeaderBytes <= header.size());
  std::memcpy(header_.data(), header.data(), header.size());
  const std::uint8_t* ip = header_.data() + link_bytes_;
  std::uint8_t* tcp = header_.data() + link_bytes_ + ip_bytes_;
  ipv4_ = ip[0] >> 4 == 4;
  flags_ = tcp[kFlagsAt];
  seq_ = load_be32(tcp + 4);
  if (ipv4_) id_ = load_be16(ip + 4);
  tcp[kFlagsAt] = static_cast<std::uint8_t>(flags_ & ~(wire::kFin | wire::kPsh | wire::kCwr));
  set_length(segment_bytes_);
  offload_flags_ = RTE_MBUF_F_TX_TCP_CKSUM | (ipv4_ ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
  offload_lengths_ = rte_mbuf_tx_offload(link_bytes_, ip_bytes_, header_bytes_ - link_bytes_ - ip_bytes_, 0, 0, 0, 0);
}

void Segmentation::set_length(std::size_t payload_bytes) {
  std::uint8_t* ip = header_.data() + link_bytes_;
  const std::size_t packet_bytes = header_bytes_ - link_bytes_ + payload_bytes;
  length_ = payload_bytes;
  if (ipv4_) {
    store_be16(ip + 2, static_cast<std::uint16_t>(packet_bytes));
    store_be32(ip + 4, load_be16(ip + 6));  // no identification
    store_be16(ip + 10, 0);
    header_sum_ = static_cast<std::uint16_t>(~wire::ipv4_header_checksum({ip, ip_bytes_}));
  } else {
    store_be16(ip + 4, static_cast<std::uint16_t>(packet_bytes - sizeof(rte_ipv6_hdr)));
  }
  store_be16(ip + ip_bytes_ + wire::kTcpChecksumOffset,
             pseudo_header_sum_of(ip, IPPROTO_TCP, packet_bytes - ip_bytes_));
}

rte_mbuf* Segmentation::next(buffer::Pools& pools, buffer::Chain& payload) {
  const std::size_t bytes = length_of_next(payload);
  const bool last = bytes == payload.length_bytes();
  if (bytes != length_) set_length(bytes);
  buffer::Chain segment;
  std::uint8_t* head = payload.take_front(pools, bytes, segment) ? segment.prepend(pools, header_bytes_) : nullptr;
  if (head == nullptr) {
    payload.clear();
    return nullptr;
  }
  write_header(head, last);
  seq_ += static_cast<std::uint32_t>(bytes);
  ++id_;
  first_ = false;
  rte_mbuf* frame = segment.to_packet();
  frame->ol_flags = (frame->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) | offload_flags_;
  frame->tx_offload = offload_lengths_;
  return frame;
}

void Segmentation::write_header(std::uint8_t* out, bool last) const {
  std::memcpy(out, header_.data(), header_bytes_);
  std::uint8_t* ip = out + link_bytes_;
  std::uint8_t* tcp = ip + ip_bytes_;
  store_be32(tcp + 4, seq_);
  if (first_ || last) {
    const int without = (last ? 0 : wire::kFin | wire::kPsh) | (first_ ? 0 : wire::kCwr);
    tcp[kFlagsAt] = static_cast<std::uint8_t>(flags_ & ~without);
  }
  if (!ipv4_) return;
  store_be16(ip + 4, id_);
  store_be16(ip + 10, static_cast<std::uint16_t>(~wire::fold(header_sum_ + id_)));
}

}  // namespace sluice::port
