// ICMP and ICMPv6 errors (RFC 792, RFC 1191, RFC 4443): what happened, and to which packet, as far as the error quotes
// it. A quotation is cut where its router liked, and may be forged: nothing is read beyond the bytes that there are,
// and what it says is for the connection to judge (RFC 5927).
#pragma once

#include <cstdint>

#include "common/bytes.h"
#include "common/ip_address.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {

enum class IcmpKind : std::uint8_t {
  none,  // no error, or none that concerns a transport: echo, redirect, source quench (RFC 6633)
  unreachable,
  too_big,  // also "fragmentation needed"
  time_exceeded,
  parameter_problem,
};

// What can be told of the quoted packet.
enum class Quoted : std::uint8_t {
  nothing,    // there is no IP header of this family
  addresses,  // what it carried stands beyond the quotation, or in headers that are not followed
  other,      // it carried no TCP
  tcp,        // ports and sequence number
};

struct IcmpError {
  IcmpKind kind = IcmpKind::none;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t mtu = 0;  // of too_big, the next hop's; 0: the router does not say
  Quoted quoted = Quoted::nothing;
  bool fragment = false;  // it was a fragment
  IpAddress source;       // of the quoted packet
  IpAddress destination;
  std::uint32_t packet_bytes = 0;  // all of it, as its own header said
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t seq = 0;
  std::uint16_t seq_offset = 0;  // where that stands in the frame; of Quoted::tcp

  // Trying again will not help (RFC 1122 section 4.2.3.9, and what RFC 5461 adds of ICMPv6 and of filters).
  [[nodiscard]] bool is_hard() const;
};

// Makes the frame that `error` was read of quote another sequence number.
void requote(MutableBytes head, const Frame& frame, const IcmpError& error, std::uint32_t seq);

// Of a frame of kind icmp. `head` is the first contiguous part of it; the checksum is not looked at.
IcmpError read_icmp_error(Bytes head, const Frame& frame);

}  // namespace sluice::wire
