// Cuts the payload of one TCP header into frames of one segment each, as a NIC does it (TSO): sequence numbers and IPv4
// identifications go up, FIN and PSH stand on the last segment only, CWR on the first only (RFC 3168 section 6.1.2).
// Each header is written where an old one was, if its payload begins where a received one did (Chain::prepend); so
// what came in segments of that size leaves without a copy and without one more buffer.
#pragma once

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "dataplane/buffer/chain.h"

namespace sluice::port {

class Segmentation {
 public:
  // Link, IPv4 with options or IPv6 with extensions, and TCP with options.
  static constexpr std::size_t kMaxHeaderBytes = 256;

  // The shortest frame, but for the last, that it makes.
  static constexpr std::size_t least_bytes(std::size_t segment_bytes) { return segment_bytes - segment_bytes / 16; }

  // `header`: link, IP and TCP header, whose lengths and checksums may say anything; its offsets make sense.
  // 0 < segment_bytes, and one segment fits an IP packet.
  Segmentation(Bytes header, std::size_t link_bytes, std::size_t ip_bytes, std::uint16_t segment_bytes);

  // Takes the next segment off the payload, which is not empty: a frame that asks for its checksum (offloads.h).
  // nullptr, and payload is lost, when no buffer is free.
  [[nodiscard]] rte_mbuf* next(buffer::Pools& pools, buffer::Chain& payload);

 private:
  // A frame need not be full where a piece as it came nearly fills it: nothing is cut then.
  [[nodiscard]] std::size_t length_of_next(const buffer::Chain& payload) const {
    const std::size_t piece = payload.first()->data_len;
    const bool fits = piece <= segment_bytes_ && piece >= least_bytes(segment_bytes_);
    return fits ? piece : std::min<std::size_t>(segment_bytes_, payload.length_bytes());
  }
  void set_length(std::size_t payload_bytes);
  void write_header(std::uint8_t* out, bool last) const;

  std::array<std::uint8_t, kMaxHeaderBytes> header_;  // of a whole segment in the middle
  std::size_t header_bytes_;
  std::size_t link_bytes_;
  std::size_t ip_bytes_;
  std::size_t segment_bytes_;
  std::size_t length_;  // that header_ tells, of payload
  bool ipv4_;
  std::uint8_t flags_;            // of all of it
  std::uint32_t seq_;             // of the next segment
  std::uint16_t id_ = 0;          // IPv4
  std::uint32_t header_sum_ = 0;  // of the IPv4 header without its identification
  std::uint64_t offload_flags_;
  std::uint64_t offload_lengths_;
  bool first_ = true;
};

}  // namespace sluice::port
