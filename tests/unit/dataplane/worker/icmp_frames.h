// ICMP errors as routers make them.
#pragma once

#include <algorithm>

#include "tests/unit/dataplane/worker/harness.h"

namespace sluice::worker {

struct Error {
  std::uint8_t type = 3;
  std::uint8_t code = 4;
  std::uint32_t mtu = 0;
  std::size_t quoted_bytes = 64;  // from the IP header on
};

// What a router answers to a frame: to its source, with the head of it.
inline FrameBytes icmp_about(const FrameBytes& frame, const Error& how) {
  const bool ipv4 = load_be16(frame.data() + 12) == 0x0800;
  const std::size_t ip_bytes = ipv4 ? 20 : 40;
  const std::size_t quoted = std::min(how.quoted_bytes, frame.size() - 14);
  FrameBytes out(14 + ip_bytes + 8 + quoted, 0);
  std::copy_n(frame.begin() + 6, 6, out.begin());
  std::copy_n(frame.begin(), 6, out.begin() + 6);
  std::copy_n(frame.begin() + 12, 2, out.begin() + 12);
  std::uint8_t* const ip = out.data() + 14;
  std::uint8_t* const icmp = ip + ip_bytes;
  icmp[0] = how.type;
  icmp[1] = how.code;
  store_be32(icmp + 4, how.mtu);
  std::copy_n(frame.begin() + 14, quoted, icmp + 8);
  wire::ChecksumSum sum;
  if (ipv4) {
    ip[0] = 0x45;
    store_be16(ip + 2, static_cast<std::uint16_t>(out.size() - 14));
    ip[8] = 64;
    ip[9] = 1;
    store_be32(ip + 12, 0x0a0000fe);
    std::copy_n(frame.begin() + 26, 4, ip + 16);
    store_be16(ip + 10, wire::ipv4_header_checksum({ip, 20}));
  } else {
    ip[0] = 0x60;
    store_be16(ip + 4, static_cast<std::uint16_t>(8 + quoted));
    ip[6] = 58;
    ip[7] = 64;
    store_ipv6(ip + 8, {0x2001'0db8'0000'0000, 0xfe});
    std::copy_n(frame.begin() + 22, 16, ip + 24);
    sum = wire::pseudo_header_sum(load_ipv6(ip + 8), load_ipv6(ip + 24), 58, static_cast<std::uint16_t>(8 + quoted));
  }
  sum.add({icmp, 8 + quoted});
  store_be16(icmp + 2, sum.checksum());
  return out;
}

}  // namespace sluice::worker
