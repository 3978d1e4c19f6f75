// See icmp.h.
#include "dataplane/wire/icmp.h"

#include <algorithm>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv6.h"

namespace sluice::wire {
namespace {

constexpr std::size_t kIcmpBytes = 8;
constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kPortsAndSeqBytes = 8;  // what RFC 792 promises of the quoted segment
constexpr std::uint16_t kOffsetMask = 0x1fff;
constexpr std::uint16_t kMoreFragments = 0x2000;

constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kUnreachable6 = 1;

IcmpKind kind_of(bool ipv4, std::uint8_t type, std::uint8_t code) {
  if (ipv4) {
    if (type == kUnreachable) return code == 4 ? IcmpKind::too_big : IcmpKind::unreachable;
    if (type == 11) return IcmpKind::time_exceeded;
    return type == 12 ? IcmpKind::parameter_problem : IcmpKind::none;
  }
  switch (type) {
    case kUnreachable6:
      return IcmpKind::unreachable;
    case 2:
      return IcmpKind::too_big;
    case 3:
      return IcmpKind::time_exceeded;
    case 4:
      return IcmpKind::parameter_problem;
    default:
      return IcmpKind::none;
  }
}

// `at`: where the transport header should begin.
Quoted read_transport(Bytes quote, std::size_t at, std::uint8_t protocol, IcmpError& error) {
  if (protocol != kProtocolTcp) return Quoted::other;
  const Bytes bytes = quote.subspan(at);
  if (bytes.size() < kPortsAndSeqBytes) return Quoted::addresses;
  error.source_port = load_be16(bytes.data());
  error.destination_port = load_be16(bytes.data() + 2);
  error.seq = load_be32(bytes.data() + 4);
  error.seq_offset = static_cast<std::uint16_t>(at + 4);
  return Quoted::tcp;
}

Quoted read_ipv4_quote(Bytes quote, IcmpError& error) {
  if (quote.size() < kIpv4Bytes || quote[0] >> 4 != 4) return Quoted::nothing;
  const std::size_t header_bytes = (quote[0] & 0x0f) * std::size_t{4};
  if (header_bytes < kIpv4Bytes) return Quoted::nothing;
  const std::uint16_t fragment = load_be16(quote.data() + 6);
  error.packet_bytes = load_be16(quote.data() + 2);
  error.source = load_be32(quote.data() + 12);
  error.destination = load_be32(quote.data() + 16);
  error.fragment = (fragment & (kOffsetMask | kMoreFragments)) != 0;
  const std::uint8_t protocol = quote[9];
  // Hosts take what begins a later fragment for ports.
  const bool has_head = quote.size() >= header_bytes && (fragment & kOffsetMask) == 0;
  if (!has_head) return protocol == kProtocolTcp ? Quoted::addresses : Quoted::other;
  return read_transport(quote, header_bytes, protocol, error);
}

Quoted read_ipv6_quote(Bytes quote, IcmpError& error) {
  if (quote.size() < kIpv6Bytes || quote[0] >> 4 != 6) return Quoted::nothing;
  error.packet_bytes = static_cast<std::uint32_t>(kIpv6Bytes + load_be16(quote.data() + 4));
  error.source = load_ipv6(quote.data() + 8);
  error.destination = load_ipv6(quote.data() + 24);
  if (error.source.is_ipv4() || error.destination.is_ipv4()) return Quoted::nothing;  // see ipv6.cc
  std::size_t at = kIpv6Bytes;
  std::uint8_t next = quote[6];
  for (int headers = 0; is_followed(next); ++headers) {
    if (headers == kMaxExtensionHeaders || quote.size() < at + 8) return Quoted::addresses;
    const std::uint8_t* p = quote.data() + at;
    if (next == kFragmentHeader) {
      error.fragment = true;
      if ((load_be16(p + 2) & 0xfff8) != 0) return p[0] == kProtocolTcp ? Quoted::addresses : Quoted::other;
      at += 8;
    } else {
      at += (std::size_t{p[1]} + 1) * 8;
    }
    next = p[0];
    if (at - kIpv6Bytes > kMaxExtensionBytes || at > quote.size()) return Quoted::addresses;
  }
  const bool is_known = next == kProtocolTcp || next == kProtocolUdp || next == kProtocolIcmpv6;
  return is_known ? read_transport(quote, at, next, error) : Quoted::addresses;
}

}  // namespace

bool IcmpError::is_hard() const {
  if (kind != IcmpKind::unreachable) return false;
  if (type == kUnreachable6) return code == 1 || code == 4;                // prohibited; no such port
  return code == 2 || code == 3 || code == 9 || code == 10 || code == 13;  // no such protocol, port; prohibited
}

IcmpError read_icmp_error(Bytes head, const Frame& frame) {
  IcmpError error;
  const std::size_t end = std::min(head.size(), std::size_t{frame.l4_offset} + frame.payload_bytes);
  if (end < frame.l4_offset + kIcmpBytes) return error;
  const Bytes message = head.subspan(frame.l4_offset, end - frame.l4_offset);
  const bool ipv4 = frame.source.is_ipv4();
  error.type = message[0];
  error.code = message[1];
  error.kind = kind_of(ipv4, error.type, error.code);
  if (error.kind == IcmpKind::none) return error;
  if (error.kind == IcmpKind::too_big) error.mtu = ipv4 ? load_be16(message.data() + 6) : load_be32(message.data() + 4);
  const Bytes quote = message.subspan(kIcmpBytes);
  error.quoted = ipv4 ? read_ipv4_quote(quote, error) : read_ipv6_quote(quote, error);
  error.seq_offset = static_cast<std::uint16_t>(error.seq_offset + frame.l4_offset + kIcmpBytes);
  return error;
}

void requote(MutableBytes head, const Frame& frame, const IcmpError& error, std::uint32_t seq) {
  std::uint8_t* const checksum = head.data() + frame.l4_offset + 2;
  store_be32(head.data() + error.seq_offset, seq);
  store_be16(checksum, updated_checksum32(load_be16(checksum), error.seq, seq));
}

}  // namespace sluice::wire
