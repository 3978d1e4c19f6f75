// Header layout: RFC 791, RFC 8200, RFC 9293 section 3.1; options as Linux orders them (RFC 7323 appendix A for
// timestamps).
#include "dataplane/wire/build.h"

#include <algorithm>

#include "common/assert.h"

namespace sluice::wire {
namespace {

constexpr std::uint8_t kNop = 1;

std::uint8_t* put8(std::uint8_t* p, std::uint8_t value) {
  *p = value;
  return p + 1;
}
std::uint8_t* put16(std::uint8_t* p, std::uint16_t value) {
  store_be16(p, value);
  return p + 2;
}
std::uint8_t* put32(std::uint8_t* p, std::uint32_t value) {
  store_be32(p, value);
  return p + 4;
}

// Each group fills whole words, so padding stands in front of what it aligns.
std::uint8_t* put_options(std::uint8_t* p, const TcpOptions& options) {
  if (options.mss != 0) p = put16(put16(p, 0x0204), options.mss);
  if (options.sack_permitted) {
    if (!options.has_timestamps) p = put16(p, kNop << 8 | kNop);
    p = put16(p, 0x0402);
  } else if (options.has_timestamps) {
    p = put16(p, kNop << 8 | kNop);
  }
  if (options.has_timestamps) p = put32(put32(put16(p, 0x080a), options.ts_value), options.ts_echo);
  if (options.window_shift) p = put8(put16(put8(p, kNop), 0x0303), *options.window_shift);
  return p;
}

std::span<const SackBlock> fitting(const TcpOptions& options, std::span<const SackBlock> blocks) {
  return blocks.first(std::min(blocks.size(), most_sack_blocks(options)));
}

// Few segments carry blocks: what is written for them stays out of the way of the others.
[[gnu::noinline]] std::uint8_t* put_sack(std::uint8_t* p, const TcpHeader& header) {
  const std::span<const SackBlock> blocks = fitting(header.options, header.sack);
  if (blocks.empty()) return p;
  p = put16(p, kNop << 8 | kNop);
  p = put16(p, static_cast<std::uint16_t>(0x0500 | (2 + 8 * blocks.size())));
  for (const SackBlock& block : blocks) p = put32(put32(p, block.begin), block.end);
  return p;
}

// The checksum is made of the words as they are put, so that nothing is read back.
std::uint8_t* put_ipv4(std::uint8_t* p, const TcpHeader& header, std::size_t total_bytes) {
  constexpr std::uint32_t kDontFragment = 0x4000;
  const std::uint32_t first = 0x4500'0000 | std::uint32_t{header.tos} << 16 | static_cast<std::uint32_t>(total_bytes);
  const std::uint32_t second = std::uint32_t{header.ip_id} << 16 | kDontFragment;
  const std::uint32_t third = std::uint32_t{header.ttl} << 24 | std::uint32_t{kProtocolTcp} << 16;
  const std::uint32_t source = header.source.ipv4();
  const std::uint32_t destination = header.destination.ipv4();
  const std::uint16_t sum = fold(std::uint64_t{first} + second + third + source + destination);
  p = put32(put32(p, first), second);
  p = put32(p, third | static_cast<std::uint16_t>(~sum));
  return put32(put32(p, source), destination);
}

// The payload length counts what follows this header.
[[gnu::noinline]] std::uint8_t* put_ipv6(std::uint8_t* p, const TcpHeader& header, std::size_t total_bytes) {
  p = put32(p, 6U << 28 | std::uint32_t{header.tos} << 20 | (header.flow_label & 0xfffff));
  p = put16(p, static_cast<std::uint16_t>(total_bytes - kIpv6HeaderBytes));
  p = put8(put8(p, kProtocolTcp), header.ttl);
  store_ipv6(p, header.source);
  store_ipv6(p + 16, header.destination);
  return p + 32;
}

// Over what stands in front of the TCP header (RFC 9293 section 3.1, RFC 8200 section 8.1).
std::uint16_t folded_pseudo_header(const TcpHeader& header, std::size_t l4_bytes) {
  if (header.source.is_ipv4())
    return fold(std::uint64_t{header.source.ipv4()} + header.destination.ipv4() + kProtocolTcp + l4_bytes);
  return pseudo_header_sum(header.source, header.destination, kProtocolTcp, static_cast<std::uint16_t>(l4_bytes))
      .folded();
}

// `total_bytes`: from the IP header on.
inline std::uint8_t* put_link_and_ip(std::uint8_t* p, const TcpHeader& header, std::size_t total_bytes) {
  if (header.link.length == kEthernetBytes) {
    std::memcpy(p, header.link.bytes, kEthernetBytes);  // of a fixed size it is no call
  } else {
    std::memcpy(p, header.link.bytes, header.link.length);
  }
  p += header.link.length;
  return header.source.is_ipv4() ? put_ipv4(p, header, total_bytes) : put_ipv6(p, header, total_bytes);
}

}  // namespace

std::size_t most_sack_blocks(const TcpOptions& options) {
  const std::size_t left = kMaxTcpOptionBytes - tcp_option_bytes(options);
  return left < 4 ? 0 : std::min((left - 4) / 8, SackBlocks::kMost);
}

std::size_t sack_bytes(const TcpHeader& header) {
  const std::size_t blocks = fitting(header.options, header.sack).size();
  return blocks == 0 ? 0 : 4 + 8 * blocks;
}

std::size_t write(const TcpHeader& header, std::size_t payload_bytes, MutableBytes out) {
  const std::size_t tcp_bytes = tcp_header_bytes(header);
  const std::size_t ip_bytes = ip_header_bytes(header);
  const std::size_t l4_bytes = tcp_bytes + payload_bytes;
  const std::size_t written = header.link.length + ip_bytes + tcp_bytes;
  SLUICE_ASSERT(header.link.length <= kMaxLinkHeaderBytes && written <= out.size() && ip_bytes + l4_bytes <= 65535);

  std::uint8_t* p = put_link_and_ip(out.data(), header, ip_bytes + l4_bytes);
  p = put32(p, std::uint32_t{header.source_port} << 16 | header.destination_port);
  p = put32(put32(p, header.seq), header.ack);
  p = put32(p, static_cast<std::uint32_t>(tcp_bytes / 4) << 28 | std::uint32_t{header.flags} << 16 | header.window);
  p = put32(p,
            std::uint32_t{folded_pseudo_header(header, l4_bytes)} << 16);  // and no urgent pointer: URG is never sent
  p = put_options(p, header.options);
  if (!header.sack.empty()) p = put_sack(p, header);
  SLUICE_ASSERT(p == out.data() + written);
  return written;
}

void write_link_and_ip(const TcpHeader& header, std::size_t l4_bytes, MutableBytes out) {
  const std::size_t ip_bytes = ip_header_bytes(header);
  SLUICE_ASSERT(out.size() == header.link.length + ip_bytes && ip_bytes + l4_bytes <= 65535);
  put_link_and_ip(out.data(), header, ip_bytes + l4_bytes);
}

LinkHeader turned_around(const LinkHeader& link) {
  LinkHeader turned = link;
  std::swap_ranges(turned.bytes, turned.bytes + 6, turned.bytes + 6);
  return turned;
}

TcpHeader answer_to(const Frame& frame) {
  return {.link = turned_around(frame.link),
          .source = frame.destination,
          .destination = frame.source,
          .source_port = frame.destination_port,
          .destination_port = frame.source_port,
          .options = {}};
}

void complete_checksum(MutableBytes l4_header, std::size_t checksum_offset, const ChecksumSum& payload) {
  SLUICE_ASSERT(checksum_offset + 2 <= l4_header.size() && l4_header.size() % 2 == 0);
  ChecksumSum sum;
  sum.add(l4_header);
  sum.add_value(payload.folded());
  const std::uint16_t checksum = sum.checksum();
  store_be16(l4_header.data() + checksum_offset, checksum == 0 ? 0xffff : checksum);
}

}  // namespace sluice::wire
