#include "tests/sim/narrows.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "dataplane/wire/build.h"

namespace sluice::sim {
namespace {

constexpr std::uint32_t kMtus[] = {1500, 1500, 1492, 1400, 1280, 1006, 576};
constexpr std::uint32_t kLeastIpv6 = 1280;  // RFC 8200 section 5
constexpr std::size_t kIcmpBytes = 8;
constexpr std::size_t kLeastQuoted = 8;  // of what follows the IP header (RFC 792)
constexpr IpAddress kRouterIpv4 = 0x0a4dfefe;
constexpr IpAddress kRouterIpv6{0x2001'0db8'0000'0000, 0xfefe};

// The quoted packet's own length: of one segment.
void write_length(MutableBytes packet, bool ipv4, std::size_t packet_bytes) {
  if (ipv4) store_be16(&packet[2], static_cast<std::uint16_t>(packet_bytes));
  if (!ipv4) store_be16(&packet[4], static_cast<std::uint16_t>(packet_bytes - wire::kIpv6HeaderBytes));
}

// IP's header says ICMP now.
void write_protocol(MutableBytes packet, bool ipv4) {
  packet[ipv4 ? 9 : 6] = ipv4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6;
  if (!ipv4) return;
  store_be16(&packet[10], 0);
  store_be16(&packet[10], wire::ipv4_header_checksum(packet.first(wire::kIpv4HeaderBytes)));
}

}  // namespace

std::uint32_t Narrows::mtu_bytes(const NarrowsConfig& config, TimeNs now, bool ipv4) const {
  const std::uint32_t mtu = kMtus[Random(seed_ ^ now / config.lasts).below(std::size(kMtus))];
  return ipv4 ? mtu : std::max(mtu, kLeastIpv6);
}

std::optional<WireFrame> Narrows::refuse(const NarrowsConfig& config, TimeNs now, const WireFrame& frame) {
  if (config.lasts == 0) return std::nullopt;
  const wire::Frame parsed = wire::parse(frame.bytes, frame.bytes.size());
  if (parsed.kind != wire::FrameKind::tcp) return std::nullopt;
  const bool ipv4 = parsed.source.is_ipv4();
  const std::uint32_t segment = frame.segment_bytes == 0
                                    ? parsed.payload_bytes
                                    : std::min<std::uint32_t>(parsed.payload_bytes, frame.segment_bytes);
  const std::uint32_t packet_bytes = parsed.payload_offset - parsed.l3_offset + segment;
  const std::uint32_t mtu = mtu_bytes(config, now, ipv4);
  if (packet_bytes <= mtu) return std::nullopt;

  const std::size_t before_quoted = parsed.l4_offset - parsed.l3_offset;
  const std::size_t quoted = before_quoted + kLeastQuoted + random_.below(500);
  wire::TcpHeader header{.link = wire::turned_around(parsed.link),
                         .source = ipv4 ? kRouterIpv4 : kRouterIpv6,
                         .destination = parsed.source,
                         .options = {}};
  const std::size_t ip_bytes = wire::ip_header_bytes(header);
  WireFrame error;
  error.bytes.resize(header.link.length + ip_bytes + kIcmpBytes + quoted);
  const MutableBytes packet = MutableBytes(error.bytes).subspan(header.link.length);
  wire::write_link_and_ip(header, kIcmpBytes + quoted, MutableBytes(error.bytes).first(header.link.length + ip_bytes));
  write_protocol(packet, ipv4);

  const MutableBytes icmp = packet.subspan(ip_bytes);
  icmp[0] = ipv4 ? 3 : 2;
  icmp[1] = ipv4 ? 4 : 0;
  const bool says = !ipv4 || !random_.chance(1, 8);  // routers older than RFC 1191 do not
  if (says) store_be32(&icmp[4], mtu);
  std::memcpy(&icmp[kIcmpBytes], &frame.bytes[parsed.l3_offset], quoted);
  write_length(icmp.subspan(kIcmpBytes), ipv4, packet_bytes);
  wire::ChecksumSum sum;
  if (!ipv4)
    sum = wire::pseudo_header_sum(header.source, header.destination, wire::kProtocolIcmpv6,
                                  static_cast<std::uint16_t>(icmp.size()));
  sum.add(icmp);
  store_be16(&icmp[2], sum.checksum());
  return error;
}

}  // namespace sluice::sim
