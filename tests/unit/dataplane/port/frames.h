// Frames for the port tests: TCP and UDP over IPv4 or IPv6 as one or several mbufs, and what a receiver
// would say of them.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "dataplane/buffer/chain.h"
#include "dataplane/buffer/pools.h"
#include "dataplane/port/offloads.h"
#include "dataplane/wire/build.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

namespace sluice::port {

inline constexpr std::uint8_t kEthernet[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00};

inline std::vector<std::uint8_t> bytes_of(const rte_mbuf* frame) {
  std::vector<std::uint8_t> bytes;
  for (const rte_mbuf* m = frame; m != nullptr; m = m->next) {
    const auto* data = rte_pktmbuf_mtod(m, const std::uint8_t*);
    bytes.insert(bytes.end(), data, data + m->data_len);
  }
  EXPECT_EQ(bytes.size(), frame->pkt_len);
  return bytes;
}

// Payload that no two places share, so that a misplaced piece shows.
inline std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 12345;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

inline wire::TcpHeader tcp_header() {
  wire::TcpHeader header;
  std::memcpy(header.link.bytes, kEthernet, sizeof kEthernet);
  header.link.length = sizeof kEthernet;
  header.source = 0x0a090002;
  header.destination = 0x0a090001;
  header.source_port = 8080;
  header.destination_port = 40000;
  header.seq = 0xfffff000;
  header.ack = 77;
  header.window = 1000;
  header.flags = wire::kAck | wire::kPsh;
  header.options.has_timestamps = true;
  header.options.ts_value = 5;
  return header;
}

// Headers in an mbuf of their own, payload behind it, checksum partial: what the engine sends.
inline rte_mbuf* tcp_frame(buffer::Pools& pools, const wire::TcpHeader& header, std::string_view payload,
                           std::uint16_t segment_bytes) {
  rte_mbuf* head = rte_pktmbuf_alloc(pools.frames());
  char* room = rte_pktmbuf_append(head, static_cast<std::uint16_t>(wire::header_bytes(header)));
  wire::write(header, payload.size(), {reinterpret_cast<std::uint8_t*>(room), wire::header_bytes(header)});
  buffer::Chain chain(head);
  buffer::Chain body;
  EXPECT_TRUE(body.append_copy(pools, as_bytes(payload)));
  chain.append(std::move(body));
  rte_mbuf* frame = chain.to_packet();
  const std::size_t ip_bytes = wire::ip_header_bytes(header);
  request_tcp_offloads(frame, header.link.length, ip_bytes, wire::header_bytes(header) - header.link.length - ip_bytes,
                       segment_bytes);
  return frame;
}

// The same over IPv6, with TX metadata.
inline rte_mbuf* tcp6_frame(buffer::Pools& pools, std::string_view payload, std::uint16_t segment_bytes) {
  std::uint8_t header[14 + 40 + 20] = {};
  std::memcpy(header, kEthernet, sizeof kEthernet);
  store_be16(header + 12, 0x86dd);
  std::uint8_t* ip = header + 14;
  std::uint8_t* tcp = ip + 40;
  ip[0] = 0x60;
  store_be16(ip + 4, static_cast<std::uint16_t>(20 + payload.size()));
  ip[6] = IPPROTO_TCP;
  ip[7] = 64;
  for (int i = 8; i < 40; ++i) ip[i] = static_cast<std::uint8_t>(i * 7);
  store_be32(tcp + 4, 1000);
  tcp[12] = 0x50;
  tcp[13] = wire::kAck | wire::kPsh;
  store_be16(tcp + 16, pseudo_header_sum_of(ip, IPPROTO_TCP, 20 + payload.size()));
  buffer::Chain chain;
  EXPECT_TRUE(chain.append_copy(pools, header));
  EXPECT_TRUE(chain.append_copy(pools, as_bytes(payload)));
  rte_mbuf* frame = chain.to_packet();
  frame->ol_flags |= RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG;
  frame->l2_len = 14;
  frame->l3_len = 40;
  frame->l4_len = 20;
  frame->tso_segsz = segment_bytes;
  return frame;
}

inline std::vector<std::uint8_t> udp_bytes(std::size_t payload_bytes) {
  std::vector<std::uint8_t> bytes(14 + 28 + payload_bytes, 'u');
  std::memcpy(bytes.data(), kEthernet, sizeof kEthernet);
  std::uint8_t* ip = bytes.data() + 14;
  std::memset(ip, 0, 28);
  ip[0] = 0x45;
  store_be16(ip + 2, static_cast<std::uint16_t>(28 + payload_bytes));
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  store_be32(ip + 12, 0x0a090002);
  store_be32(ip + 16, 0x0a090001);
  store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
  store_be16(ip + 24, static_cast<std::uint16_t>(8 + payload_bytes));
  store_be16(ip + 26, pseudo_header_sum_of(ip, IPPROTO_UDP, 8 + payload_bytes));
  return bytes;
}

// All ones when the checksum behind the IP header is right, as a receiver adds it up.
inline std::uint16_t received_sum(Bytes frame, std::size_t l2_bytes = 14) {
  const std::uint8_t* ip = frame.data() + l2_bytes;
  const bool ipv4 = ip[0] >> 4 == 4;
  const std::size_t l3_bytes = ipv4 ? (ip[0] & 15) * std::size_t{4} : 40;
  const std::size_t l4_bytes = ipv4 ? load_be16(ip + 2) - l3_bytes : load_be16(ip + 4);
  wire::ChecksumSum sum;
  sum.add_value(pseudo_header_sum_of(ip, ipv4 ? ip[9] : ip[6], l4_bytes));
  sum.add(frame.subspan(l2_bytes + l3_bytes, l4_bytes));
  return sum.folded();
}

}  // namespace sluice::port
