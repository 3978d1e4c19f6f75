// Reads Ethernet, VLAN, IP, TCP and UDP headers (IEEE 802.1Q, RFC 791, RFC 9293, RFC 7323, RFC 2018, RFC 768); IPv6 and
// what follows it is ipv6.cc's (RFC 8200).
// Each reader checks that its bytes are in `head` before it loads them. What the packet itself says is too
// short is a bad header; what the packet promises but the frame does not hold is truncated.
#include "dataplane/wire/frame.h"

#include <algorithm>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv6.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kVlanTagBytes = 4;
constexpr int kMaxVlanTags = 2;
constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;
constexpr std::size_t kMinIpv4Bytes = 20;
constexpr std::uint16_t kFragmentMask = 0x3fff;  // more fragments, and the offset
constexpr std::size_t kMinTcpBytes = 20;
constexpr std::size_t kUdpBytes = 8;
constexpr std::uint8_t kSackKind = 5;
constexpr std::uint8_t kMaxWindowShift = 14;  // RFC 7323 section 2.3: a larger one means 14

bool is_vlan(std::uint16_t ethertype) {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;  // 802.1Q, 802.1ad, QinQ before it
}

bool bad(Frame& frame, ErrorCode error) {
  frame.kind = FrameKind::bad;
  frame.error = error;
  return false;
}

// The link header and the type of what it carries.
bool read_link(Bytes head, Frame& frame, std::uint16_t& ethertype) {
  std::size_t length = kEthernetBytes;
  for (int tags = 0;; ++tags, length += kVlanTagBytes) {
    if (head.size() < length) return bad(frame, ErrorCode::frame_truncated);
    ethertype = load_be16(head.data() + length - 2);
    if (!is_vlan(ethertype)) break;
    if (tags == kMaxVlanTags) return bad(frame, ErrorCode::vlan_too_deep);
  }
  frame.link.length = static_cast<std::uint8_t>(length);
  if (length == kEthernetBytes) {
    std::memcpy(frame.link.bytes, head.data(), kEthernetBytes);  // of a fixed size it is no call
  } else {
    std::memcpy(frame.link.bytes, head.data(), length);
  }
  return true;
}

// The IPv4 header; what it carries is the payload for now, without what Ethernet padded.
bool read_ipv4(Bytes head, std::size_t frame_bytes, Frame& frame) {
  const std::size_t offset = frame.link.length;
  frame.l3_offset = static_cast<std::uint16_t>(offset);
  if (head.size() - offset < kMinIpv4Bytes) return bad(frame, ErrorCode::frame_truncated);
  const std::uint8_t* ip = head.data() + offset;
  const std::size_t header_bytes = (ip[0] & 0x0f) * std::size_t{4};
  const std::size_t total_bytes = load_be16(ip + 2);
  if (ip[0] >> 4 != 4 || header_bytes < kMinIpv4Bytes || total_bytes < header_bytes) {
    return bad(frame, ErrorCode::ip_bad_header);
  }
  if (head.size() - offset < header_bytes || frame_bytes - offset < total_bytes) {
    return bad(frame, ErrorCode::frame_truncated);
  }
  if (ipv4_header_checksum({ip, header_bytes}) != 0) return bad(frame, ErrorCode::ip_bad_checksum);
  frame.tos = ip[1];
  frame.ttl = ip[8];
  frame.source = load_be32(ip + 12);
  frame.destination = load_be32(ip + 16);
  frame.l4_offset = static_cast<std::uint16_t>(offset + header_bytes);
  frame.payload_offset = frame.l4_offset;
  frame.payload_bytes = static_cast<std::uint32_t>(total_bytes - header_bytes);
  return true;
}

// The one length that an option kind may have; 0 for kinds that are passed over.
std::size_t option_length(std::uint8_t kind) {
  switch (kind) {
    case 2:
      return 4;
    case 3:
      return 3;
    case 4:
      return 2;
    case 8:
      return 10;
    default:
      return 0;
  }
}

// Whole blocks only; a longer option than any header holds cannot come.
bool read_sack(Bytes option, SackBlocks& sack) {
  const std::size_t count = (option.size() - 2) / 8;
  if (option.size() != 2 + 8 * count || count == 0 || count > SackBlocks::kMost) return false;
  const std::uint8_t* p = option.data() + 2;
  for (std::size_t i = 0; i < count; ++i, p += 8) sack.blocks[i] = {load_be32(p), load_be32(p + 4)};
  sack.count = static_cast<std::uint8_t>(count);
  return true;
}

// `p` holds an option of a known kind, whole.
void read_option(const std::uint8_t* p, TcpOptions& options) {
  switch (p[0]) {
    case 2:
      options.mss = load_be16(p + 2);
      break;
    case 3:
      options.window_shift = std::min(p[2], kMaxWindowShift);
      break;
    case 4:
      options.sack_permitted = true;
      break;
    case 8:
      options.has_timestamps = true;
      options.ts_value = load_be32(p + 2);
      options.ts_echo = load_be32(p + 6);
      break;
    default:
      break;
  }
}

bool read_options(Bytes bytes, TcpOptions& options, SackBlocks& sack) {
  // Nearly every segment of a connection with timestamps: NOP NOP TS (RFC 7323 appendix A).
  if (bytes.size() == 12 && load_be32(bytes.data()) == 0x0101080a) {
    read_option(bytes.data() + 2, options);
    return true;
  }
  while (!bytes.empty() && bytes[0] != 0) {
    if (bytes[0] == 1) {
      bytes = bytes.subspan(1);
      continue;
    }
    if (bytes.size() < 2) return false;
    const std::size_t length = bytes[1];
    const std::size_t right = option_length(bytes[0]);
    if (length < 2 || length > bytes.size() || (right != 0 && length != right)) return false;
    if (bytes[0] == kSackKind) {
      if (!read_sack(bytes.first(length), sack)) return false;
    } else {
      read_option(bytes.data(), options);
    }
    bytes = bytes.subspan(length);
  }
  return true;
}

bool read_tcp(Bytes head, Frame& frame) {
  const std::size_t segment_bytes = frame.payload_bytes;
  if (segment_bytes < kMinTcpBytes) return bad(frame, ErrorCode::tcp_bad_header);
  if (head.size() - frame.l4_offset < kMinTcpBytes) return bad(frame, ErrorCode::frame_truncated);
  const std::uint8_t* tcp = head.data() + frame.l4_offset;
  const std::size_t header_bytes = (tcp[12] >> 4) * std::size_t{4};
  if (header_bytes < kMinTcpBytes || header_bytes > segment_bytes) return bad(frame, ErrorCode::tcp_bad_header);
  if (head.size() - frame.l4_offset < header_bytes) return bad(frame, ErrorCode::frame_truncated);
  frame.source_port = load_be16(tcp);
  frame.destination_port = load_be16(tcp + 2);
  frame.seq = load_be32(tcp + 4);
  frame.ack = load_be32(tcp + 8);
  frame.flags = tcp[13];
  frame.window = load_be16(tcp + 14);
  if (!read_options({tcp + kMinTcpBytes, header_bytes - kMinTcpBytes}, frame.options, frame.sack)) {
    return bad(frame, ErrorCode::tcp_bad_options);
  }
  frame.kind = FrameKind::tcp;
  frame.payload_offset = static_cast<std::uint16_t>(frame.l4_offset + header_bytes);
  frame.payload_bytes = static_cast<std::uint32_t>(segment_bytes - header_bytes);
  return true;
}

bool read_udp(Bytes head, Frame& frame) {
  if (frame.payload_bytes < kUdpBytes || head.size() - frame.l4_offset < kUdpBytes) {
    return bad(frame, ErrorCode::frame_truncated);
  }
  const std::uint8_t* udp = head.data() + frame.l4_offset;
  frame.source_port = load_be16(udp);
  frame.destination_port = load_be16(udp + 2);
  frame.kind = FrameKind::udp;
  frame.payload_offset = static_cast<std::uint16_t>(frame.l4_offset + kUdpBytes);
  frame.payload_bytes -= static_cast<std::uint32_t>(kUdpBytes);
  return true;
}

}  // namespace

void parse(Bytes head, std::size_t frame_bytes, Frame& frame) {
  frame = {};
  std::uint16_t ethertype = 0;
  frame_bytes = std::max(frame_bytes, head.size());
  if (!read_link(head, frame, ethertype)) return;
  std::uint8_t protocol = 0;
  if (ethertype == kEthertypeIpv4) {
    if (!read_ipv4(head, frame_bytes, frame)) return;
    const std::uint8_t* ip = head.data() + frame.l3_offset;
    if ((load_be16(ip + 6) & kFragmentMask) != 0) {
      frame.kind = FrameKind::fragment;
      return;
    }
    protocol = ip[9];
  } else if (ethertype != kEthertypeIpv6 || !read_ipv6(head, frame_bytes, frame, protocol)) {
    return;
  }
  if (protocol == kProtocolTcp) {
    read_tcp(head, frame);
  } else if (protocol == kProtocolUdp) {
    read_udp(head, frame);
  } else {
    const bool is_icmp = protocol == (ethertype == kEthertypeIpv4 ? kProtocolIcmp : kProtocolIcmpv6);
    frame.kind = is_icmp ? FrameKind::icmp : FrameKind::ip;
  }
}

}  // namespace sluice::wire
