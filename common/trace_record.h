// One entry of a worker's trace, as it lies in memory, on the channel and in a file (docs/formats/trace.md): 32 bytes,
// little-endian. It has numbers of headers and of Sluice's own state, and never a byte of payload.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/ip_address.h"
#include "common/time.h"
#include "common/unit.h"

namespace sluice {

enum class TraceKind : std::uint8_t {
  none = 0,  // nothing was written there
  segment_in,
  segment_out,
  retransmission,  // a segment out, with bytes that were sent before
  timer,
  drop,
  leg_state,
  phase,
  icmp,
  handling,
};
inline constexpr std::string_view kTraceKindNames[] = {
    "none", "segment_in", "segment_out", "retransmission", "timer", "drop", "leg_state", "phase", "icmp", "handling"};

enum class TraceLeg : std::uint8_t { client = 0, server = 1 };

// What `code` and the four numbers say, by kind:
//   segment_*, retransmission  code: TCP flags; a: sequence number, b: acknowledgement, each less its initial one;
//                              c: payload bytes (65535: that or more), d: window as on the wire
//   timer                      code: 0 delayed ACK or retry, 1 retransmit, 2 persist, 3 time_wait; a: timeouts in a row
//   drop                       code: ErrorCode; of a session: a, b, c as for a segment; of none: a: source address,
//                              b: source and destination port; d: TCP flags, and kTraceIpv6
//   leg_state                  code: ErrorCode that ended it; a: 0 open, 1 time_wait, 2 closed
//   phase                      code: ErrorCode of the session; a: client address; b: client and server port;
//                              c: 0 handshake, 1 established, 2 lingering, 3 done; d: kTraceIpv6
//   icmp                       code: ErrorCode that says what became of an ICMP error about the leg's segments;
//                              a: quoted sequence number, less its initial one; b: ICMP type, and code in the low
//                              8 bits; c: payload of one segment from now on; d: MTU that it tells (65535: that or
//                              more)
//   handling                   a: 0 terminated, 1 spliced, 2 forwarded; from then on the session has segment_in alone
// Of an IPv6 address stand the last 32 bits, and kTraceIpv6 says so.
inline constexpr std::uint16_t kTraceIpv6 = 0x100;
struct TraceRecord {
  TimeNs time_ns = 0;     // monotonic, of the burst
  SessionId session = 0;  // 0: of none
  TraceKind kind = TraceKind::none;
  TraceLeg leg = TraceLeg::client;
  std::uint16_t code = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint16_t c = 0;
  std::uint16_t d = 0;
};
static_assert(sizeof(TraceRecord) == 32 && offsetof(TraceRecord, kind) == 16 && offsetof(TraceRecord, d) == 30 &&
              std::endian::native == std::endian::little);

// What stands before the records: of a section of a kept file, oldest record first, or of a worker's ring as it lies in
// memory and in its file, where the record of number n is at n modulo `records`.
struct TraceHeader {
  static constexpr std::uint64_t kSection = 0x3130435254554c53;  // "SLUTRC01"
  static constexpr std::uint64_t kRing = 0x3130474e52554c53;     // "SLURNG01"
  std::uint64_t magic = kSection;
  std::uint32_t record_bytes = sizeof(TraceRecord);
  std::uint32_t worker = 0;
  std::uint64_t records = 0;       // that follow
  std::uint64_t next = 0;          // number of the one after the newest of them, counted since the worker began
  std::uint64_t monotonic_ns = 0;  // the same moment by both clocks: of a section, when it was taken
  std::uint64_t wall_ns = 0;
  std::uint64_t reserved[2] = {};
};
static_assert(sizeof(TraceHeader) == 64 && offsetof(TraceHeader, next) == 24 && offsetof(TraceHeader, wall_ns) == 40);

inline std::uint16_t trace_family(const IpAddress& address) {
  return address.is_ipv4() || address.is_none() ? std::uint16_t{0} : kTraceIpv6;
}
inline std::uint16_t trace_length(std::size_t bytes) {
  return static_cast<std::uint16_t>(bytes < 0xffff ? bytes : 0xffff);
}

}  // namespace sluice
