// What a frame is, read once. parse() never reads past the bytes it is given and never fails on
// hostile input: it classifies. Only headers are looked at; they lie in the first segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/bytes.h"
#include "common/error.h"
#include "common/ip_address.h"

namespace sluice::wire {

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kMaxLinkHeaderBytes = kEthernetBytes + 2 * 4;  // and two VLAN tags

// Protocol numbers of IP.
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

// TCP flags as on the wire.
enum TcpFlag : std::uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128 };

// The congestion bits of Frame::tos (RFC 3168).
inline constexpr std::uint8_t kEcnMask = 3;
inline constexpr std::uint8_t kEcnCapable = 2;  // ECT(0)
inline constexpr std::uint8_t kCongestionExperienced = 3;

struct TcpOptions {
  std::uint16_t mss = 0;  // 0: absent
  std::optional<std::uint8_t> window_shift;
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
};

// Bytes that a receiver holds beyond its acknowledgement (RFC 2018): [begin, end) in sequence numbers.
struct SackBlock {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const SackBlock&) const = default;
};

// As they came, most recent first; what they say is for the connection to judge.
struct SackBlocks {
  static constexpr std::size_t kMost = 4;  // what 40 bytes of options hold; 3 beside timestamps

  std::uint8_t count = 0;
  SackBlock blocks[kMost];
  [[nodiscard]] std::span<const SackBlock> all() const { return {blocks, count}; }
};

// Ethernet addresses, tags and type exactly as they came; frames of a session go out under them.
struct LinkHeader {
  std::uint8_t bytes[kMaxLinkHeaderBytes] = {};
  std::uint8_t length = 0;
};

enum class FrameKind : std::uint8_t {
  other,     // not IP, or what IPv6 has for ARP (neighbour discovery, multicast listeners): passes unchanged
  tcp,       // whole header seen
  udp,       // whole header seen
  fragment,  // first or later; read_fragment() says more
  icmp,      // of the family that carries it; icmp.h says more
  ip,        // another protocol
  closed,    // IPv6 whose extension headers Sluice does not follow: `error` says why
  bad,       // dropped, `error` says why
};

struct Frame {
  FrameKind kind = FrameKind::other;
  ErrorCode error = ErrorCode::ok;
  LinkHeader link;
  IpAddress source;  // of one family both; set but for other and bad
  IpAddress destination;
  std::uint16_t source_port = 0;  // tcp and udp
  std::uint16_t destination_port = 0;
  std::uint32_t flow_label = 0;  // IPv6
  std::uint8_t tos = 0;          // IPv6: the traffic class
  std::uint8_t ttl = 0;
  std::uint8_t flags = 0;    // TcpFlag
  std::uint16_t window = 0;  // unscaled
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint16_t l3_offset = 0;
  std::uint16_t l4_offset = 0;
  std::uint16_t payload_offset = 0;
  std::uint32_t payload_bytes = 0;  // by the IP header; Ethernet padding is not payload
  TcpOptions options;
  SackBlocks sack;
};

// `head` is the first contiguous part of the frame, `frame_bytes` the length of all of it. The first form writes over
// a frame that was parsed before; it copies nothing.
void parse(Bytes head, std::size_t frame_bytes, Frame& frame);
inline Frame parse(Bytes head, std::size_t frame_bytes) {
  Frame frame;
  parse(head, frame_bytes, frame);
  return frame;
}

}  // namespace sluice::wire
