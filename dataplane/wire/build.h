// Writes the headers of a TCP segment over IPv4 or IPv6. Nothing is allocated; the caller gives the room.
// The TCP checksum field gets the folded pseudo-header sum, which is what NICs and virtio-net complete;
// complete_checksum() does it in software.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/bytes.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {

inline constexpr std::size_t kIpv4HeaderBytes = 20;    // without options; Sluice writes none
inline constexpr std::size_t kIpv6HeaderBytes = 40;    // without extension headers, likewise
inline constexpr std::size_t kTcpHeaderBytes = 20;     // without options
inline constexpr std::size_t kMaxTcpOptionBytes = 40;  // the data offset has four bits
inline constexpr std::size_t kMaxHeaderBytes =
    kMaxLinkHeaderBytes + kIpv6HeaderBytes + kTcpHeaderBytes + kMaxTcpOptionBytes;
inline constexpr std::size_t kTcpChecksumOffset = 16;
inline constexpr std::size_t kUdpChecksumOffset = 6;

struct TcpHeader {
  LinkHeader link;
  IpAddress source;  // of one family both
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t flow_label = 0;  // IPv6
  std::uint8_t tos = 0;          // IPv6: the traffic class
  std::uint8_t ttl = 64;
  std::uint16_t ip_id = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t window = 0;           // unscaled
  std::uint8_t flags = 0;             // TcpFlag
  TcpOptions options;                 // all that are set are written
  std::span<const SackBlock> sack{};  // the first that find room beside the options are written
};

// Options with their padding, without SACK blocks. SACK permitted stands where the padding of timestamps would.
inline std::size_t tcp_option_bytes(const TcpOptions& options) {
  const std::size_t stamps = options.has_timestamps ? 12 : options.sack_permitted ? 4 : 0;
  return stamps + (options.mss != 0 ? 4 : 0) + (options.window_shift ? 4 : 0);
}
// How many SACK blocks have room beside these options.
std::size_t most_sack_blocks(const TcpOptions& options);
inline std::size_t ip_header_bytes(const TcpHeader& header) {
  return header.source.is_ipv4() ? kIpv4HeaderBytes : kIpv6HeaderBytes;
}
// The SACK option with its padding.
std::size_t sack_bytes(const TcpHeader& header);
inline std::size_t tcp_header_bytes(const TcpHeader& header) {
  const std::size_t bytes = kTcpHeaderBytes + tcp_option_bytes(header.options);
  return header.sack.empty() ? bytes : bytes + sack_bytes(header);
}
// Link, IP and TCP header together; at most kMaxHeaderBytes.
inline std::size_t header_bytes(const TcpHeader& header) {
  return header.link.length + ip_header_bytes(header) + tcp_header_bytes(header);
}

// Writes header_bytes(header) bytes to `out` and returns how many. DF is set. Headers and payload together
// fit an IP packet of either family: header_bytes() - link.length + payload_bytes <= 65535.
std::size_t write(const TcpHeader& header, std::size_t payload_bytes, MutableBytes out);

// The same of what stands in front of the TCP header alone: link.length + ip_header_bytes(header) bytes.
void write_link_and_ip(const TcpHeader& header, std::size_t l4_bytes, MutableBytes out);

// A link header for the way back.
LinkHeader turned_around(const LinkHeader& link);
// What an answer to this frame begins with: its ends and its link, turned around.
TcpHeader answer_to(const Frame& frame);

// Puts the finished checksum into an L4 header whose field holds the folded pseudo-header sum. The payload
// follows the header; its pieces were added to `payload` in order. A sum of 0 becomes 0xffff for UDP (RFC 768),
// which for TCP is the same number.
void complete_checksum(MutableBytes l4_header, std::size_t checksum_offset, const ChecksumSum& payload);

}  // namespace sluice::wire
