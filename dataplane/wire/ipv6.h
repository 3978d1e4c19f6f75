// The IPv6 header and the extension headers behind it (RFC 8200 section 4): walked to the protocol that they carry,
// within bounds. What is not followed is named, so that who is protected is not reached behind it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "dataplane/wire/frame.h"

namespace sluice::wire {

inline constexpr int kMaxExtensionHeaders = 8;
inline constexpr std::size_t kMaxExtensionBytes = 256;  // of all of them together

// Next-header numbers of what is followed; a hop-by-hop header only where it comes first.
enum Ipv6Next : std::uint8_t { kHopByHop = 0, kRouting = 43, kFragmentHeader = 44, kDestination = 60 };
inline bool is_followed(std::uint8_t next) {
  return next == kHopByHop || next == kRouting || next == kFragmentHeader || next == kDestination;
}

// Reads the header at frame.link.length. True: `protocol` is what follows at frame.l4_offset, in payload_bytes; else
// frame.kind is final: fragment, closed, other or bad.
bool read_ipv6(Bytes head, std::size_t frame_bytes, Frame& frame, std::uint8_t& protocol);

}  // namespace sluice::wire
