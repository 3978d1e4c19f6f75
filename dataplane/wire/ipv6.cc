// See ipv6.h.
#include "dataplane/wire/ipv6.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kFragmentHeaderBytes = 8;
constexpr std::uint16_t kFragmentMask = 0xfff9;  // the offset, and more fragments

constexpr std::uint8_t kNone = 59;  // nothing follows

bool bad(Frame& frame, ErrorCode error) {
  frame.kind = FrameKind::bad;
  frame.error = error;
  return false;
}

bool closed(Frame& frame, ErrorCode error) {
  frame.kind = FrameKind::closed;
  frame.error = error;
  return false;
}

// Multicast listener discovery and neighbour discovery (RFC 2710, 3810, 4861): as little of a service as ARP is.
bool is_of_the_link(std::uint8_t icmp_type) {
  return (icmp_type >= 130 && icmp_type <= 137) || icmp_type == 143;
}

bool read_header(Bytes head, std::size_t frame_bytes, Frame& frame) {
  const std::size_t offset = frame.link.length;
  frame.l3_offset = static_cast<std::uint16_t>(offset);
  if (head.size() - offset < kHeaderBytes) return bad(frame, ErrorCode::frame_truncated);
  const std::uint8_t* ip = head.data() + offset;
  const std::uint32_t first = load_be32(ip);
  if (first >> 28 != 6) return bad(frame, ErrorCode::ip_bad_header);
  const std::size_t payload_bytes = load_be16(ip + 4);
  if (frame_bytes - offset - kHeaderBytes < payload_bytes) return bad(frame, ErrorCode::frame_truncated);
  frame.tos = static_cast<std::uint8_t>(first >> 20);
  frame.flow_label = first & 0xfffff;
  frame.ttl = ip[7];
  frame.source = load_ipv6(ip + 8);
  frame.destination = load_ipv6(ip + 24);
  // Inside Sluice that form is an IPv4 address; on the wire it is none's (RFC 4291 section 2.5.5.2, 2.7).
  if (frame.source.is_ipv4() || frame.destination.is_ipv4() || frame.source.is_multicast())
    return bad(frame, ErrorCode::ip_bad_header);
  frame.l4_offset = static_cast<std::uint16_t>(offset + kHeaderBytes);
  frame.payload_offset = frame.l4_offset;
  frame.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
  return true;
}

// A route that is not at its end leads elsewhere than the destination says.
bool leads_elsewhere(const std::uint8_t* routing_header) {
  return routing_header[3] != 0;
}

}  // namespace

bool read_ipv6(Bytes head, std::size_t frame_bytes, Frame& frame, std::uint8_t& protocol) {
  if (!read_header(head, frame_bytes, frame)) return false;
  const std::size_t begin = frame.l4_offset;
  std::size_t at = begin;
  std::uint8_t next = head[frame.l3_offset + std::size_t{6}];
  for (int headers = 0; next != kProtocolTcp && next != kProtocolUdp && next != kProtocolIcmpv6 && next != kNone;
       ++headers) {
    const bool is_first = headers == 0;
    if (!is_followed(next) || (next == kHopByHop && !is_first)) return closed(frame, ErrorCode::ipv6_extension_unknown);
    const std::size_t left = begin + frame.payload_bytes - at;
    if (left < kFragmentHeaderBytes || head.size() - at < kFragmentHeaderBytes || headers == kMaxExtensionHeaders)
      return closed(frame, ErrorCode::ipv6_extensions_too_long);
    const std::uint8_t* p = head.data() + at;
    std::size_t bytes = kFragmentHeaderBytes;
    if (next == kFragmentHeader) {
      if ((load_be16(p + 2) & kFragmentMask) != 0) {
        frame.l4_offset = frame.payload_offset = static_cast<std::uint16_t>(at);
        frame.payload_bytes = static_cast<std::uint32_t>(left);
        frame.kind = FrameKind::fragment;
        return false;
      }  // else it is whole (RFC 6946)
    } else {
      if (next == kRouting && leads_elsewhere(p)) return closed(frame, ErrorCode::ipv6_extension_unknown);
      bytes = (std::size_t{p[1]} + 1) * 8;
    }
    if (bytes > left || head.size() - at < bytes || at + bytes - begin > kMaxExtensionBytes)
      return closed(frame, ErrorCode::ipv6_extensions_too_long);
    next = p[0];
    at += bytes;
  }
  frame.payload_bytes -= static_cast<std::uint32_t>(at - begin);
  frame.l4_offset = frame.payload_offset = static_cast<std::uint16_t>(at);
  protocol = next;
  if (next != kProtocolIcmpv6 || frame.payload_bytes == 0 || head.size() == at || !is_of_the_link(head[at]))
    return true;
  frame.kind = FrameKind::other;
  return false;
}

}  // namespace sluice::wire
