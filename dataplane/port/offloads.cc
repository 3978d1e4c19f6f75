// Reads and writes mbuf offload metadata. Headers lie in the first segment, payload anywhere.
#include "dataplane/port/offloads.h"

#include <netinet/in.h>
#include <rte_ip.h>
#include <rte_net.h>

#include <algorithm>

#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"

namespace sluice::port {
namespace {

constexpr std::uint64_t kStorageFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

bool is_ipv4(const std::uint8_t* ip) {
  return ip[0] >> 4 == 4;
}

// Adds [offset, offset + count) of the packet; false when the packet is shorter.
bool add_bytes(const rte_mbuf* m, std::size_t offset, std::size_t count, wire::ChecksumSum& sum) {
  for (; m != nullptr && count > 0; m = m->next) {
    if (offset >= m->data_len) {
      offset -= m->data_len;
      continue;
    }
    const std::size_t here = std::min<std::size_t>(m->data_len - offset, count);
    sum.add({rte_pktmbuf_mtod_offset(m, const std::uint8_t*, offset), here});
    count -= here;
    offset = 0;
  }
  return count == 0;
}

// Where the IP packet ends; Ethernet may have padded behind it.
std::size_t packet_end(const rte_mbuf* frame) {
  const std::uint8_t* ip = rte_pktmbuf_mtod_offset(frame, const std::uint8_t*, frame->l2_len);
  return frame->l2_len + (is_ipv4(ip) ? load_be16(ip + 2) : sizeof(rte_ipv6_hdr) + load_be16(ip + 4));
}

}  // namespace

bool tcp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers) {
  return tcp_checksum_ok(frame, headers, headers.payload_bytes);
}

bool tcp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers, std::size_t payload_bytes) {
  switch (frame->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
    case RTE_MBUF_F_RX_L4_CKSUM_NONE:
      return true;
    case RTE_MBUF_F_RX_L4_CKSUM_BAD:
      return false;
    default:
      break;
  }
  const std::size_t l4_bytes = headers.payload_offset - headers.l4_offset + payload_bytes;
  wire::ChecksumSum sum =
      wire::pseudo_header_sum(headers.source, headers.destination, IPPROTO_TCP, static_cast<std::uint16_t>(l4_bytes));
  return add_bytes(frame, headers.l4_offset, l4_bytes, sum) && sum.checksum() == 0;
}

// RFC 792; RFC 4443 section 2.3 has a pseudo-header.
bool icmp_checksum_ok(const rte_mbuf* frame, const wire::Frame& headers) {
  wire::ChecksumSum sum;
  if (!headers.source.is_ipv4())
    sum = wire::pseudo_header_sum(headers.source, headers.destination, wire::kProtocolIcmpv6,
                                  static_cast<std::uint16_t>(headers.payload_bytes));
  return add_bytes(frame, headers.l4_offset, headers.payload_bytes, sum) && sum.checksum() == 0;
}

bool prepare_forward(rte_mbuf* frame) {
  const std::uint64_t received = frame->ol_flags;
  frame->ol_flags &= kStorageFlags;
  const bool coalesced = (received & RTE_MBUF_F_RX_LRO) != 0;
  const bool partial = (received & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE;
  if (!coalesced && !partial) return true;

  rte_net_hdr_lens lengths = {};
  const std::uint32_t type =
      rte_net_get_ptype(frame, &lengths, RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK);
  const bool tcp = (type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP;
  const bool udp = (type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_UDP;
  const std::size_t header_bytes = std::size_t{lengths.l2_len} + lengths.l3_len + lengths.l4_len;
  if (!tcp && !(udp && !coalesced)) return false;
  if (header_bytes > frame->data_len || lengths.l3_len > 511) return false;
  if (coalesced && (frame->tso_segsz == 0 || lengths.l4_len < wire::kTcpHeaderBytes)) return false;

  const bool ipv4 = RTE_ETH_IS_IPV4_HDR(type) != 0;
  frame->l2_len = lengths.l2_len & 0x7f;
  frame->l3_len = lengths.l3_len & 0x1ff;
  frame->l4_len = lengths.l4_len;
  frame->ol_flags |= ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
  frame->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
  if (coalesced && frame->pkt_len > header_bytes + frame->tso_segsz) {
    frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
  }
  // What was coalesced by a NIC holds a finished checksum; what virtio-net gave holds this sum already.
  if (!partial) {
    const std::uint8_t* ip = rte_pktmbuf_mtod_offset(frame, const std::uint8_t*, frame->l2_len);
    std::uint8_t* header = rte_pktmbuf_mtod_offset(frame, std::uint8_t*, frame->l2_len + frame->l3_len);
    const std::size_t l4_begin = frame->l2_len + std::size_t{frame->l3_len};
    store_be16(header + wire::kTcpChecksumOffset, pseudo_header_sum_of(ip, IPPROTO_TCP, packet_end(frame) - l4_begin));
  }
  return true;
}

void request_tcp_offloads(rte_mbuf* frame, std::size_t link_bytes, std::size_t ip_bytes, std::size_t tcp_header_bytes,
                          std::uint16_t segment_bytes) {
  const bool ipv4 = ip_bytes == wire::kIpv4HeaderBytes;
  frame->l2_len = link_bytes & 0x7f;
  frame->l3_len = ip_bytes & 0x1ff;
  frame->l4_len = tcp_header_bytes & 0xff;
  frame->tso_segsz = 0;
  frame->ol_flags =
      (frame->ol_flags & kStorageFlags) | (ipv4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) | RTE_MBUF_F_TX_TCP_CKSUM;
  const std::size_t payload_bytes = frame->pkt_len - link_bytes - ip_bytes - tcp_header_bytes;
  if (segment_bytes == 0 || payload_bytes <= segment_bytes) return;
  frame->tso_segsz = segment_bytes;
  frame->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ipv4 ? RTE_MBUF_F_TX_IP_CKSUM : 0);
}

bool complete_checksum_at(rte_mbuf* frame, std::size_t start, std::size_t offset, std::size_t end) {
  if (start + offset + 2 > frame->data_len || end < start + offset + 2) return false;
  wire::ChecksumSum sum;
  if (!add_bytes(frame, start, end - start, sum)) return false;
  const std::uint16_t checksum = sum.checksum();
  const bool none = checksum == 0 && offset == wire::kUdpChecksumOffset;  // a 0 would say that there is none (RFC 768)
  store_be16(rte_pktmbuf_mtod_offset(frame, std::uint8_t*, start + offset), none ? 0xffff : checksum);
  return true;
}

bool complete_checksum_in_software(rte_mbuf* frame) {
  const std::uint64_t l4 = frame->ol_flags & RTE_MBUF_F_TX_L4_MASK;
  const std::size_t offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? wire::kUdpChecksumOffset : wire::kTcpChecksumOffset;
  const std::size_t l4_begin = frame->l2_len + std::size_t{frame->l3_len};
  if (l4_begin + offset + 2 > frame->data_len || frame->l3_len < sizeof(rte_ipv4_hdr)) return false;
  if (!complete_checksum_at(frame, l4_begin, offset, packet_end(frame))) return false;
  frame->ol_flags &= ~(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6);
  return true;
}

std::uint16_t pseudo_header_sum_of(const std::uint8_t* ip, std::uint8_t protocol, std::size_t l4_bytes) {
  wire::ChecksumSum sum;
  sum.add(is_ipv4(ip) ? Bytes(ip + 12, 8) : Bytes(ip + 8, 32));  // both addresses
  sum.add_value(protocol);
  sum.add_value(static_cast<std::uint16_t>(l4_bytes));
  return sum.folded();
}

}  // namespace sluice::port
